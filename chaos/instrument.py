"""The measuring instrument of a drill: writers, their history, and a watch over the harness's own stalls."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Final

from chaos.recording import Recording
from chaos.writers import Place, Writer
from constat.clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from constat.stack import Stack

WRITERS_PER_TENANT: Final = 4
PACE: Final = 0.125  # seconds between two writes of one writer
TICK: Final = 0.01  # seconds between two looks of the watch
# A look that comes later than this is written down as a stall; seconds.
STALLED: Final = 0.05
_SYNCHRONISE_EVERY: Final = 0.25


class Instrument:
    """Writers at work; `recording` is what they have seen, `problems` why it may vouch for nothing."""

    def __init__(self, stack: Stack, tenants: tuple[str, ...], path: Path, *, prefix: str) -> None:
        """Prepare the writers of these tenants; their names begin with the prefix."""
        if stack.postgres is None:
            msg = "a ledger needs a database"
            raise ValueError(msg)
        organizations = {tenant: stack.tenants[tenant].organization_id for tenant in tenants}
        names = {f"{prefix}-{tenant}-{number}": tenant for number in range(WRITERS_PER_TENANT) for tenant in tenants}
        self.prefix = prefix
        self.recording = Recording(path, organizations=organizations, writers=names, pace=PACE)
        self.writers = tuple(
            Writer(
                Place(name=name, organization_id=organizations[tenant], phase=PACE * place / len(names)),
                postgres=stack.postgres,
                recording=self.recording,
                pace=PACE,
            )
            for place, (name, tenant) in enumerate(names.items())
        )
        self._stopped = threading.Event()
        # Apart from the watch: a slow disk must not look like a harness that did not run.
        self._keepers = tuple(
            threading.Thread(target=keep, name=keep.__name__, daemon=True) for keep in (self._look_around, self._keep_durable)
        )

    def start(self) -> None:
        """Let the watch and every writer begin."""
        for thread in (*self._keepers, *self.writers):
            thread.start()

    def stop(self) -> None:
        """Let every writer end after the write that is under way, then close the history."""
        for writer in self.writers:
            writer.stop()
        for writer in self.writers:
            writer.join()
        self._stopped.set()
        for keeper in self._keepers:
            keeper.join()
        self.recording.close()

    def problems(self) -> tuple[str, ...]:
        """Why the history cannot be trusted; nothing when it can."""
        return tuple(problem for problem in (self.recording.problem, *(writer.problem for writer in self.writers)) if problem)

    def _look_around(self) -> None:
        before = monotonic()
        while not self._stopped.wait(TICK):
            late = monotonic() - before - TICK
            if late > STALLED:
                self.recording.stall(late)
            before = monotonic()
            for writer in self.writers:
                writer.give_up()

    def _keep_durable(self) -> None:
        while not self._stopped.wait(_SYNCHRONISE_EVERY):
            self.recording.synchronise()


@contextlib.contextmanager
def writing(stack: Stack, tenants: tuple[str, ...], path: Path, *, prefix: str) -> Iterator[Instrument]:
    """Keep writing for these tenants while the block runs."""
    instrument = Instrument(stack, tenants, path, prefix=prefix)
    instrument.start()
    try:
        yield instrument
    finally:
        instrument.stop()
