"""Make a bundle: the run's own files, its self-test, the report, the chain over them all, and the signature."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat import chain
from constat.errors import UserError
from constat.evidence import EVIDENCE_FOLDER
from constat.finding import END_FILE, FINDINGS_FILE, PLAN_FILE
from reports import FORMATS
from reports.bundle import envelope, layout
from reports.bundle.statement import Statement, target_digest
from reports.evidence import State, exhibits
from reports.quarterly import page, paper
from reports.quarterly.dossier import TARGET_FILE, Dossier, read_target
from reports.quarterly.selftest import ORIGIN_FILE, RESULT_FILE, parse
from reports.run import load_run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from reports.quarterly.selftest import SelfTest
    from reports.run import Run

# What a run was made of; its other files are views of these and are made anew.
_SOURCES: Final = (PLAN_FILE, FINDINGS_FILE, TARGET_FILE, END_FILE, "command.json")
_REQUIRED: Final = (PLAN_FILE, FINDINGS_FILE, TARGET_FILE)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to make a bundle of."""

    run: Path
    self_test: Path | None
    previous: Statement | None
    lang: str


def files(order: Order, key: Ed25519PrivateKey) -> dict[str, bytes]:
    """Every file of the bundle by its path; the same order and key give the same bytes.

    Raises UserError when the run is not complete, when its evidence was altered, and when
    the report cannot be made.
    """
    run = load_run(order.run)
    found = _gathered(run, order)
    dossier = _dossier(run, order, found)
    found["report.html"] = page.render(dossier, order.lang)
    found["report.pdf"] = paper.render(found["report.html"])
    links = chain.forge(layout.items(found), previous=dossier.previous_head)
    statement = _statement(dossier, found, links=links, lang=order.lang)
    return found | {layout.CHAIN_FILE: chain.to_lines(links), layout.ENVELOPE_FILE: envelope.seal(statement.to_document(), key)}


def write(made: Mapping[str, bytes], into: Path) -> None:
    """Write the bundle whole or not at all; raises UserError when something else is there already."""
    if into.exists():
        if layout.read_tree(into) == made:
            return
        msg = f"{str(into)!r} holds something else already, and signed evidence is not overwritten; move it away, or give --into"
        raise UserError(msg)
    draft = into.with_name(f".{into.name}.{os.getpid()}")
    try:
        for name, content in made.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_bytes(content)
        draft.rename(into)
    except OSError as problem:
        msg = f"{str(into)!r} cannot be written ({problem.strerror}); make room or give yourself the right to, or give --into"
        raise UserError(msg) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _gathered(run: Run, order: Order) -> dict[str, bytes]:
    there = layout.read_tree(order.run)
    if absent := [name for name in _REQUIRED if name not in there]:
        msg = f"run {str(order.run)!r} has no {', '.join(absent)}: it was made by an older version, or never began; run again"
        raise UserError(msg)
    if altered := [item.path for item in exhibits(run) if item.state is not State.KEPT]:
        msg = f"evidence of run {run.plan.run_id!r} is not as it was recorded: {', '.join(altered)}; nobody can vouch for it, run again"
        raise UserError(msg)
    kept = [name for name in there if name in _SOURCES or name.startswith(f"{EVIDENCE_FOLDER}/")]
    found = {f"{layout.RUN_FOLDER}/{name}": there[name] for name in kept}
    found |= {f"{layout.RUN_FOLDER}/{kind.file}": kind.render(run, order.lang) for kind in FORMATS.values()}
    return found | (_self_test_files(order.self_test) if order.self_test else {})


def _self_test_files(directory: Path) -> dict[str, bytes]:
    try:
        return {f"{layout.SELF_TEST_FOLDER}/{name}": (directory / name).read_bytes() for name in (RESULT_FILE, ORIGIN_FILE)}
    except OSError as problem:
        msg = (
            f"self-test {str(directory)!r} cannot be read ({problem.strerror}: {problem.filename}); name what `constat detect` left in out/"
        )
        raise UserError(msg) from None


def _dossier(run: Run, order: Order, found: Mapping[str, bytes]) -> Dossier:
    content = found[f"{layout.RUN_FOLDER}/{TARGET_FILE}"]
    previous = order.previous.head if order.previous else chain.BEGINNING
    links = chain.forge(layout.items(found), previous=previous)
    return Dossier(
        run=run,
        target=read_target(content),
        target_digest=target_digest(json.loads(content)),
        self_test=_self_test(order, found),
        previous_head=previous,
        previous_run=order.previous.run if order.previous else "",
        head=chain.head(links, previous=previous),
        links=len(links),
        files={name: chain.digest(content) for name, content in found.items()},
    )


def _self_test(order: Order, found: Mapping[str, bytes]) -> SelfTest | None:
    if order.self_test is None:
        return None
    return parse({name: found[f"{layout.SELF_TEST_FOLDER}/{name}"] for name in (RESULT_FILE, ORIGIN_FILE)}, order.self_test.name)


def _statement(dossier: Dossier, found: Mapping[str, bytes], *, links: tuple[chain.Link, ...], lang: str) -> Statement:
    plan = dossier.run.plan
    return Statement(
        files={name: chain.digest(content) for name, content in found.items()},
        run=plan.run_id,
        started=plan.started.isoformat(),
        target=plan.target,
        target_digest=dossier.target_digest,
        plan_digest=chain.digest(found[f"{layout.RUN_FOLDER}/{PLAN_FILE}"]),
        suite_version=plan.constat_version,
        suite_commit=plan.git_commit or "",
        verdict=dossier.verdict.value,
        findings=sum(link.item.kind == layout.FINDING for link in links),
        links=len(links),
        head=chain.head(links, previous=dossier.previous_head),
        previous_head=dossier.previous_head,
        previous_run=dossier.previous_run,
        lang=lang,
    )
