"""Plant every defect of the database, let every tool look, take it away again: `python -m bench.peers [--markdown] [ID]...`.

One scratch cluster with the reference schema.  Every tool is prepared on the clean schema, in the
best configuration that we know of (`pgrls.py`, `pgtap.py`), and what it finds there is its noise; a
defect is noticed by whatever it finds beyond that.  A harmless change is a false alarm by the same rule.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench import scratch
from bench.detection import ELSEWHERE
from bench.peers import pgrls, pgtap
from bench.peers.own import Constat
from bench.peers.table import Results, printed
from mutants.catalogue import by_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.peers.tool import Look, Tool
    from constat.mutant import Mutant
    from constat.stack import Stack


def main(ids: list[str], *, markdown: bool) -> None:
    """Look at the clean schema, at every change, and at the clean schema again."""
    known = [m for m in by_id().values() if "-TEN-PG-" in m.id and (not ids or m.id in ids)]
    chosen = [m for m in known if set(m.controls) - ELSEWHERE]
    with scratch.cluster() as stack, tempfile.TemporaryDirectory(prefix="constat-peers-") as directory:
        assert stack.postgres is not None
        tools = prepared(stack, Path(directory))
        clean, looks = looked(tools), {}
        for mutant in chosen:
            with planted(mutant, stack):
                looks[mutant] = looked(tools)
            print(f"{mutant.id} " + ", ".join(n for n, look in looks[mutant].items() if look.alarms(clean[n])), file=sys.stderr, flush=True)
        again = looked(tools)
        versions = (pgrls.version(), pgtap.version(stack.postgres.admin_dsn))
    drifted = tuple(name for name in clean if clean[name].findings != again[name].findings)
    results = Results(clean=clean, looks=looks, left_out=len(known) - len(chosen), drifted=drifted, versions=versions)
    print(printed(results, markdown=markdown))


def prepared(stack: Stack, directory: Path) -> tuple[Tool, ...]:
    """Every tool, ours last."""
    assert stack.postgres is not None
    mine, theirs = (stack.tenants[name].organization_id for name in scratch.target().attack_pair[:2])
    dsn = stack.postgres.admin_dsn
    return (*pgrls.commands(dsn, directory), *pgtap.scripts(dsn, mine=mine, theirs=theirs), Constat(stack))


def looked(tools: tuple[Tool, ...]) -> dict[str, Look]:
    """What each says now."""
    return {tool.name: tool.look() for tool in tools}


@contextlib.contextmanager
def planted(mutant: Mutant, stack: Stack) -> Iterator[None]:
    """It is there inside; RuntimeError when it could not be planted or not be taken away."""
    before = mutant.fingerprint(stack)
    try:
        mutant.plant(stack, {})
        if not mutant.confirm(stack, {}):
            msg = f"{mutant.id} is not there after planting"
            raise RuntimeError(msg)
        yield
    finally:
        mutant.revert(stack, {})
    if before != mutant.fingerprint(stack):
        msg = f"{mutant.id} is not taken away completely"
        raise RuntimeError(msg)


if __name__ == "__main__":
    main([word for word in sys.argv[1:] if not word.startswith("--")], markdown="--markdown" in sys.argv)
