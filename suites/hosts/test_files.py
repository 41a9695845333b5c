"""Files: secrets and data belong to whom they should, and nobody else can read them."""

from __future__ import annotations

import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import contents, tree, words
from constat.observe import host as hosts
from constat.outcome import Impact, Outcome, Severity
from constat.secrets import secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from constat.observe.host import Attributes
    from constat.observe.tree import Account, Lift, Reach
    from constat.stack import GuardedPath, Stack

# Where people put copies.
_PLACES: Final = ("/tmp", "/var/tmp", "/dev/shm", "/home", "/root", "/srv")  # noqa: S108 - they are looked at
# Smaller files are searched whatever their age, in bytes.
_LARGE: Final = 2**20


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
    seen = hosts.attributes(hosts.local(), [path.path for path in stack.guarded])
    findings.judge(judge_path(_named(path.path, stack), path, seen.get(path.path)) for path in stack.guarded)


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
    """Neither an account without rights nor another service's own opens a secret or data, in place or copied, coded or packed."""
    findings.judge(_readable(stack, _reached(stack, copies=True)))


@control(
    "HOS-04",
    severity=Severity.CRITICAL,
    impact=Impact.OBSERVE,
    needs=("guarded",),
    promises=("hosts",),
    refs=("CIS Debian 12 7.1", "CIS Debian 12 7.1.13", "CWE-732", "CWE-250", "ISO 27001 A.8.2", "ISO 27001 A.8.3"),
    remediation="Take the write permission of others from the path, or the setuid bit from the program, and look at who used it.",
)
def test_a_foreign_account_changes_nothing_and_gains_nothing(stack: Stack, findings: Findings) -> None:
    """Neither an account without rights nor another service's own changes anything there, and no program lends anybody more rights."""
    reached, lifts = _reached(stack), tree.lifts(hosts.local(), stack.run_dir)
    findings.judge(judge_changes(reached.pop(tree.FOREIGN), lifts, stack, others=reached))


@control(
    "HOS-05",
    severity=Severity.CRITICAL,
    impact=Impact.OBSERVE,
    needs=("guarded",),
    promises=("hosts", "secrets.managed"),
    refs=("CWE-214", "CWE-526", "ISO 27001 A.8.3"),
    remediation="Hand the secret over in a file that only its account reads, and change it: everybody on the host has seen it.",
)
def test_no_process_shows_a_secret_to_a_foreign_account(stack: Stack, findings: Findings) -> None:
    """No argument and no readable environment of any process of the host holds a secret of the platform."""
    shown = contents.told(spoken(stack), hosts.STRANGER)
    findings.judge(judge_told(shown, hosts.processes()))


def spoken(stack: Stack) -> frozenset[bytes]:
    """Every secret of the stack, those that only its files have too, as it may be spelled."""
    return words.spelled(secrets_of(stack) | words.private_words(stack.run_dir, stack.guarded))


def judge_path(subject: str, path: GuardedPath, seen: Attributes | None) -> Judgement:
    """PASS when the owner is right and no permission bit goes beyond the declared mode; a path that is not there is ERROR."""
    if seen is None:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {path.path!r} does not exist")
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


def _reached(stack: Stack, *, copies: bool = False) -> dict[Account, tuple[Reach, ...]]:
    """What somebody without rights, and each account of the platform's, gets at; copies: also what is new elsewhere on the host."""
    names = tree.below(stack.run_dir)
    if copies:
        names += f"; {tree.recent(_PLACES, since=_oldest(stack), beside=stack.run_dir)}"
    return tree.reached(hosts.local(), names, (tree.FOREIGN, *tree.accounts(guard.owner for guard in stack.guarded)))


def _readable(stack: Stack, reached: dict[Account, tuple[Reach, ...]]) -> Iterator[Judgement]:
    readable = tuple(seen.path for seen in reached[tree.FOREIGN] if seen.kind == "f" and seen.readable)
    further = beyond(reached, lambda seen: seen.kind == "f" and seen.readable)
    paths = tuple(dict.fromkeys((*readable, *(seen.path for _, seen in further))))
    secret = spoken(stack)
    known = contents.holding(_changed_since(paths, stack), secret)
    for path in paths:
        who = ", ".join(_who(account) for account, seen in further if seen.path == path)
        subject = _named(path, stack) + (f" as {who}" if who else "")
        try:
            holds = path in known or contents.opened(path, secret)
            judged = judge_content(path, name=subject, holds=holds, guarded=stack.guarded)
            # What others keep on the host is counted, and named where it matters.
            if judged.outcome is not Outcome.PASS or path.startswith(f"{stack.run_dir}/"):
                yield judged
        except Unobservable as problem:
            yield Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    # The twin: what is meant for everybody was really found, so the account and the search work.
    yield coverage(len(readable), max(1, len(readable)), what="files that everybody can read")


def beyond(reached: Mapping[Account, tuple[Reach, ...]], can: Callable[[Reach], bool]) -> list[tuple[Account, Reach]]:
    """What each account of a service can do with what is another's, beyond what everybody can."""
    everybody = {seen.path for seen in reached[tree.FOREIGN] if can(seen)}
    return [
        (account, seen)
        for account, paths in reached.items()
        if account != tree.FOREIGN
        for seen in paths
        if can(seen) and seen.owner != account.uid and seen.path not in everybody
    ]


def _who(account: Account) -> str:
    try:
        return pwd.getpwuid(account.uid).pw_name
    except KeyError:
        return f"account {account.uid}"


def _changed_since(paths: tuple[str, ...], stack: Stack) -> tuple[str, ...]:
    """Without large programs that are older than every secret of the stack, and so cannot hold one."""
    first = min((seen for guard in stack.guarded if (seen := _written(guard.path)) is not None), default=0.0)
    return tuple(path for path in paths if (_written(path) or first) >= first or Path(path).stat().st_size < _LARGE)


def _oldest(stack: Stack) -> str:
    """The first secret that was made: what is older cannot be a copy of any."""
    made = {seen: guard.path for guard in stack.guarded if (seen := _written(guard.path)) is not None}
    if not made:
        msg = "none of the guarded files is there"
        raise Unobservable(msg)
    return made[min(made)]


def _written(path: str) -> float | None:
    file = Path(path)
    return file.stat().st_mtime if file.is_file() else None


def judge_content(path: str, *, name: str, holds: bool, guarded: tuple[GuardedPath, ...]) -> Judgement:
    """FAIL when a file that everybody can read holds a secret, or lies below a guarded path."""
    below = [guard.path for guard in guarded if path == guard.path or path.startswith(f"{guard.path}/")]
    reason = "holds a secret of the platform" if holds else ""
    reason = reason or (f"lies below {below[0]}, which is declared private" if below else "")
    return Judgement(
        subject=name,
        outcome=Outcome.FAIL if reason else Outcome.PASS,
        reason=reason or "holds no secret",
        expected="nothing private",
        observed=reason or "nothing private",
    )


def judge_changes(
    reached: Iterable[Reach], lifts: Iterable[Lift], stack: Stack, *, others: Mapping[Account, tuple[Reach, ...]] | None = None
) -> Iterator[Judgement]:
    """FAIL for each path that everybody, or another service's account, can change or connect to, and each program that lends rights."""
    known = tuple(reached)
    changeable = [("everybody", seen) for seen in known if seen.writable]
    changeable += [(_who(account), seen) for account, seen in beyond({tree.FOREIGN: known, **(others or {})}, lambda seen: seen.writable)]
    sockets = {f"{node.socket_directory}/.s.PGSQL.{node.port}" for node in (stack.postgres.nodes if stack.postgres else ())}
    for who, seen in changeable:
        if seen.path not in sockets and not _is_shared(seen, stack):
            act = "connects to the socket" if seen.kind == "s" else "changes it"
            yield _broken(_named(seen.path, stack), f"{who} {act}: mode is {seen.mode:04o}", f"{seen.mode:04o}")
    for lift in lifts:
        yield _broken(_named(lift.path, stack), f"lends its owner's rights to whoever runs it: {lift.by}", lift.by)
    # The twin: the account did get at what is meant for everybody.
    readable = sum(seen.readable for seen in known)
    yield coverage(readable, max(1, readable), what="paths that a foreign account gets at")


def judge_told(shown: Iterable[str], processes: Mapping[int, str]) -> Iterator[Judgement]:
    """FAIL for each process that shows a secret; the twin is that processes were seen at all."""
    for path in sorted(shown):
        pid, part = int(path.split("/")[2]), path.rpartition("/")[2]
        what = "arguments" if part == "cmdline" else "environment"
        yield _broken(processes.get(pid, "a process that has ended"), f"its {what} show a secret to every account", what)
    yield coverage(len(processes), max(1, len(processes)), what="processes of the host")


def _broken(subject: str, reason: str, observed: str) -> Judgement:
    return Judgement(subject=subject, outcome=Outcome.FAIL, reason=reason, expected="nothing", observed=observed)


def _is_shared(seen: Reach, stack: Stack) -> bool:
    """A directory above the platform where everybody may add, and nobody may rename what is another's: /tmp."""
    is_above = Path(seen.path) in Path(stack.run_dir).parents
    return is_above and seen.kind == "d" and bool(seen.mode & stat.S_ISVTX)


def _named(path: str, stack: Stack) -> str:
    return path.removeprefix(f"{stack.run_dir}/")
