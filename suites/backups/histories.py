"""What the server archives beside segments: where timelines were left, and where base backups end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from constat.judgement import Judgement
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constat.observe.archive import Backup, History, Segment
    from constat.observe.replication import Archiving

# What lets a shell decide: a list, a condition, a pipe, a substitution.
_DECIDES: Final = re.compile(r"&&|\|\||[;|`]|\$\(|(?<!&)&(?!&)")


def judge(segments: Iterable[Segment], there: Iterable[History], *, timeline: int) -> Judgement:
    """FAIL when the history of a timeline that is or was used is missing, or says something else than another; a pure function.

    What the pages of segments say of each fork is judged with the segments' content.
    """
    used = {segment.place.timeline for segment in segments} | {timeline}
    files = {file.timeline: file for file in there}
    needed = used | {fork.parent for file in files.values() for fork in file.forks}
    wrong = [f"{number:08X}.history is not archived, so no recovery gets there" for number in sorted(needed - {1} - set(files))]
    wrong += [problem for number in sorted(files) for problem in _problems(files[number], files)]
    # A file of the future is another cluster's, or a restore's that archives where production does.
    wrong += [f"{number:08X}.history is there, and the server never was on that timeline" for number in sorted(files) if number > timeline]
    return Judgement(
        subject="histories",
        outcome=Outcome.FAIL if wrong else Outcome.PASS,
        reason="; ".join(wrong[:4]) or f"the history of every timeline up to {timeline} is archived",
        expected=[],
        observed=wrong,
    )


def _problems(file: History, others: dict[int, History]) -> Iterator[str]:
    name = f"{file.timeline:08X}.history"
    if not file.forks:
        yield f"{name} holds no history"
        return
    *before, last = file.forks
    if last.parent >= file.timeline:
        yield f"{name} says that the timeline comes from {last.parent}, which is not older"
    parent = others.get(last.parent)
    if parent is not None and parent.forks and parent.forks != tuple(before):
        yield f"{name} and {parent.timeline:08X}.history tell two stories"


def judge_ends(backups: Iterable[Backup], closed: frozenset[str]) -> Judgement:
    """FAIL when the file with which the server ends a base backup was not archived; a pure function."""
    missing = [backup.label for backup in backups if backup.start.name not in closed]
    return Judgement(
        subject="ends of backups",
        outcome=Outcome.FAIL if missing else Outcome.PASS,
        reason=f"the archive command does not hand over every file: {', '.join(missing)} without its .backup file"
        if missing
        else "the server archived the end of every base backup",
        expected=[],
        observed=missing,
    )


def judge_command(seen: Archiving) -> Judgement:
    """FAIL when a server archives nothing, or by a command that picks what it hands over; a pure function.

    A timeline's history is archived once, at the failover: that it would be left out is seen in the command or not at all before.
    """
    problems = [f"archive_mode is {seen.mode}"] if seen.mode not in {"on", "always"} else []
    problems += ["it names no file (%p)"] if "%p" not in seen.command else []
    decides = _DECIDES.search(seen.command)
    problems += (
        [f"it lets a shell decide what is archived ({decides[0]!r}); let it be one command that is given every file"] if decides else []
    )
    return Judgement(
        subject=f"archive command of {seen.node}",
        outcome=Outcome.FAIL if problems else Outcome.PASS,
        reason="; ".join(problems) or "one command that is given every file",
        expected=[],
        observed=problems,
    )
