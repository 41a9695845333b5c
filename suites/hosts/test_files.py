"""Files: secrets and data belong to whom they should, and nobody else can read them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import host as hosts
from constat.outcome import Impact, Outcome, Severity
from constat.secrets import secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.observe.host import Attributes
    from constat.stack import GuardedPath, Stack

# With a body: programs have the bare markers in them.
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{40}")


@control(
    "HOS-02",
    severity=Severity.HIGH,
    impact=Impact.OBSERVE,
    needs=("guarded",),
    promises=("hosts",),
    refs=("CIS Debian 12 7.1", "ISO 27001 A.8.3"),
    remediation="Give the path back to its declared owner and take every permission away that the table does not list.",
)
def test_secrets_and_data_have_their_owners_and_modes(stack: Stack, findings: Findings) -> None:
    """Every path that keeps a secret or data has its declared owner and no permission beyond its declared mode."""
    machine = hosts.local()

    def look() -> Iterator[Judgement]:
        for path in stack.guarded:
            try:
                yield judge_path(_named(path.path, stack), path, hosts.attributes(machine, path.path))
            except Unobservable as problem:
                yield Judgement(subject=_named(path.path, stack), outcome=Outcome.ERROR, reason=f"could not look: {problem}")

    findings.judge(look())


@control(
    "HOS-03",
    severity=Severity.CRITICAL,
    impact=Impact.OBSERVE,
    needs=("guarded",),
    promises=("hosts",),
    refs=("CIS Debian 12 7.1", "ISO 27001 A.8.3"),
    remediation="Close the directory above the file, and change the secrets that could be read.",
)
def test_a_foreign_account_reads_no_secret_and_no_data(stack: Stack, findings: Findings) -> None:
    """An account with no rights, going through every file of the platform, opens no secret and no data."""
    machine = hosts.local()
    readable = hosts.readable_by_stranger(machine, stack.run_dir)
    findings.judge(_readable(stack, readable))


def judge_path(subject: str, path: GuardedPath, seen: Attributes) -> Judgement:
    """PASS when the owner is right and no permission bit goes beyond the declared mode."""
    problems = [f"owner is {seen.owner}"] if seen.owner != path.owner else []
    if seen.mode & ~path.mode & 0o7777:
        problems.append(f"mode is {seen.mode:04o}")
    return Judgement(
        subject=subject,
        outcome=Outcome.FAIL if problems else Outcome.PASS,
        reason=", ".join(problems) or "as declared",
        expected=f"{path.owner} {path.mode:04o}",
        observed=f"{seen.owner} {seen.mode:04o}",
    )


def _readable(stack: Stack, readable: tuple[str, ...]) -> Iterator[Judgement]:
    secrets = secrets_of(stack)
    for path in readable:
        yield judge_content(path, hosts.content(path), name=_named(path, stack), secrets=secrets, guarded=stack.guarded)
    # The twin: what is meant for everybody was really found, so the account and the search work.
    yield coverage(len(readable), max(1, len(readable)), what="files that everybody can read")


def judge_content(path: str, text: str, *, name: str, secrets: frozenset[str], guarded: tuple[GuardedPath, ...]) -> Judgement:
    """FAIL when a file that everybody can read holds a secret, or lies below a guarded path."""
    below = [guard.path for guard in guarded if path == guard.path or path.startswith(f"{guard.path}/")]
    reason = "holds a secret of the platform" if _PRIVATE_KEY.search(text) or any(secret in text for secret in secrets) else ""
    reason = reason or (f"lies below {below[0]}, which is declared private" if below else "")
    return Judgement(
        subject=name,
        outcome=Outcome.FAIL if reason else Outcome.PASS,
        reason=reason or "holds no secret",
        expected="nothing private",
        observed=reason or "nothing private",
    )


def _named(path: str, stack: Stack) -> str:
    return path.removeprefix(f"{stack.run_dir}/")
