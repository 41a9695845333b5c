"""Check a bundle offline: every way in which it differs from what was signed, each in one line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat import chain
from constat.errors import UserError
from reports.bundle import envelope, layout
from reports.bundle.statement import Statement, target_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from constat.chain import Link


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the reader wants evidence of; what is left out is taken as the bundle states it."""

    suite: str | None = None  # a version, or a commit
    target_digest: str | None = None
    previous_head: str | None = None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was found of a bundle; `statement` is None when nobody known has signed it."""

    statement: Statement | None
    deviations: tuple[str, ...]

    @property
    def is_genuine(self) -> bool:
        """Whether it is, to the last byte, what was signed, and about what was expected."""
        return self.statement is not None and not self.deviations


def check(directory: Path, key: Ed25519PublicKey, expected: Expected | None = None) -> Checked:
    """Look at every file of a bundle; raises UserError when the directory is not there or cannot be read."""
    if not directory.is_dir():
        msg = f"{str(directory)!r} is no directory, expected evidence that `constat evidence make` left"
        raise UserError(msg)
    try:
        files = layout.read_tree(directory)
        statement = _stated(files, key)
    except UserError as problem:
        return Checked(statement=None, deviations=(str(problem),))
    found = [*_folders(directory, files), *_files(files, statement), *_chain(files, statement)]
    found += [*_identity(files, statement), *_replay(statement, expected or Expected())]
    return Checked(statement=statement, deviations=tuple(found))


def _stated(files: Mapping[str, bytes], key: Ed25519PublicKey) -> Statement:
    if layout.ENVELOPE_FILE not in files:
        msg = f"{layout.ENVELOPE_FILE} is missing, so nobody vouches for anything here"
        raise UserError(msg)
    try:
        return Statement.from_document(envelope.unseal(files[layout.ENVELOPE_FILE], key))
    except UserError as problem:
        msg = f"{layout.ENVELOPE_FILE}: {problem}"
        raise UserError(msg) from None


def _folders(directory: Path, files: Mapping[str, bytes]) -> Iterator[str]:
    """A folder that holds nothing is not signed either."""
    for path in sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_dir()):
        if not any(name.startswith(f"{path}/") for name in files):
            yield f"{path}: additional folder, nobody has signed it"


def _files(files: Mapping[str, bytes], statement: Statement) -> Iterator[str]:
    for path in sorted({*files, *statement.files} - layout.NOT_LINKED):
        if path not in files:
            yield f"{path}: missing"
        elif path not in statement.files:
            yield f"{path}: additional, nobody has signed it"
        elif (seen := chain.digest(files[path])) != statement.files[path]:
            yield f"{path}: replaced or altered, its SHA-256 is {seen}, signed is {statement.files[path]}"


def _chain(files: Mapping[str, bytes], statement: Statement) -> Iterator[str]:
    if layout.CHAIN_FILE not in files:
        yield f"{layout.CHAIN_FILE}: missing"
        return
    try:
        stored = chain.from_lines(files[layout.CHAIN_FILE])
    except UserError as problem:
        yield f"{layout.CHAIN_FILE}: {problem}"
        return
    rebuilt = chain.forge((link.item for link in stored), previous=statement.previous_head)
    is_whole = len(stored) == statement.links and chain.head(stored, previous=statement.previous_head) == statement.head
    if stored != rebuilt or not is_whole or chain.to_lines(stored) != files[layout.CHAIN_FILE]:
        yield f"{layout.CHAIN_FILE}: altered, cut or reordered: it does not lead to the signed head {statement.head}"
        return
    yield from _findings(stored, files.get(layout.FINDINGS, b""))


def _findings(stored: tuple[Link, ...], content: bytes) -> Iterator[str]:
    """Where the findings differ from the chain, so that the reader knows which ones to look at."""
    signed = [link.item.sha256 for link in stored if link.item.kind == layout.FINDING]
    seen = [chain.digest(line) for line in layout.finding_lines(content)]
    if seen == signed:
        return
    places = {value: place for place, value in enumerate(signed, 1)}
    if len(seen) != len(signed):
        yield f"{layout.FINDINGS}: holds {len(seen)} findings, {len(signed)} were signed"
    for place, (now, then) in enumerate(zip(seen, signed, strict=False), 1):
        if now != then:
            yield f"{layout.FINDINGS}: finding {place} is {_which(places.get(now))}"


def _which(place: int | None) -> str:
    return "none that was signed" if place is None else f"out of order, it was signed as finding {place}"


def _identity(files: Mapping[str, bytes], statement: Statement) -> Iterator[str]:
    """What the statement says of the run must be what the run's own files say."""
    plan, target = files.get(f"{layout.RUN_FOLDER}/plan.json"), files.get(f"{layout.RUN_FOLDER}/target.json")
    if plan is None or target is None:
        return  # said already
    try:
        said = json.loads(plan)
        own = (said["run_id"], said["constat_version"], said["git_commit"] or "", said["target"])
        digests = (chain.digest(plan), target_digest(json.loads(target)))
    except (ValueError, KeyError, TypeError):
        yield f"{layout.RUN_FOLDER}: plan.json or target.json is not readable"
        return
    stated = (statement.run, statement.suite_version, statement.suite_commit, statement.target)
    if own != stated or digests != (statement.plan_digest, statement.target_digest):
        yield f"{layout.RUN_FOLDER}: the statement is about {', '.join(stated)}; the run, plan or target here is another: {', '.join(own)}"


def _replay(statement: Statement, expected: Expected) -> Iterator[str]:
    """Genuine evidence of something else than what was asked for."""
    if expected.suite is not None and not _is_suite(statement, expected.suite):
        yield f"it was made by constat {statement.suite_version} ({statement.suite_commit or 'no commit'}), expected {expected.suite}"
    if expected.target_digest not in {None, statement.target_digest}:
        yield f"it is about another target: {statement.target!r} with digest {statement.target_digest}, expected {expected.target_digest}"
    if expected.previous_head not in {None, statement.previous_head}:
        yield f"it does not follow that report: it follows {statement.previous_head}, expected {expected.previous_head}"


def _is_suite(statement: Statement, wanted: str) -> bool:
    least = 7  # of a commit's digits
    return wanted == statement.suite_version or (len(wanted) >= least and statement.suite_commit.startswith(wanted))
