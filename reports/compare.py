"""What changed between two runs, by control and subject: nightly's one page."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeAlias

from constat.outcome import Outcome
from reports.html import page
from reports.messages import DEFAULT_LANGUAGE, messages
from reports.printable import document, printable
from reports.run import TARGET, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.finding import Finding, Json
    from reports.messages import Messages
    from reports.plan import PlannedControl
    from reports.run import Run

Key: TypeAlias = tuple[str, str]  # control, subject
_WHOLE = (WHOLE, TARGET)
_UNSETTLED = frozenset({Outcome.NOT_REVIEWED, Outcome.INCONCLUSIVE, Outcome.ERROR})
# What makes two runs hard to compare when it differs.
_CIRCUMSTANCES = ("target", "provider", "environment", "impact", "constat_version")


@dataclass(frozen=True, kw_only=True)
class Change:
    """How one subject of a control ended before and now; None where it was not there."""

    control: str
    subject: str
    title: str
    before: Outcome | None
    after: Outcome | None
    reason: str
    remediation: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A circumstance in which the two runs are not alike."""

    what: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs side by side; what got worse stands first."""

    before: Run
    after: Run
    differs: tuple[Difference, ...]
    new: tuple[Change, ...]
    newly_not_proven: tuple[Change, ...]
    removed: tuple[PlannedControl, ...]
    still_red: tuple[Change, ...]
    still_not_proven: tuple[Change, ...]
    gone: tuple[Change, ...]
    fixed: tuple[Change, ...]
    newly_excused: tuple[Change, ...]
    added: tuple[PlannedControl, ...]

    @property
    def is_worse(self) -> bool:
        """Whether something went red or was lost from sight, a control included."""
        return bool(self.new or self.newly_not_proven or self.removed)

    @property
    def is_better(self) -> bool:
        """Whether something was mended and nothing is worse."""
        return bool(self.fixed) and not self.is_worse

    def to_document(self) -> dict[str, Json]:
        """Return the comparison as JSON has it."""
        lists: dict[str, Json] = {name: [_plain(change) for change in getattr(self, name)] for name in CHANGES}
        return {
            "before": {"run_id": self.before.plan.run_id, "verdict": self.before.verdict.value},
            "after": {"run_id": self.after.plan.run_id, "verdict": self.after.verdict.value},
            "differs": [_plain(difference) for difference in self.differs],
            **lists,
            **{name: [control.id for control in getattr(self, name)] for name in CONTROLS},
            "worse": self.is_worse,
            "better": self.is_better,
        }


CHANGES = ("new", "newly_not_proven", "still_red", "still_not_proven", "fixed", "newly_excused", "gone")
CONTROLS = ("removed", "added")


def compare(old: Run, new: Run) -> Comparison:
    """Compare two runs; neither is changed, and their targets may differ (the comparison says so)."""
    lists: dict[str, list[Change]] = {name: [] for name in CHANGES}
    for name, change in _changes(old, new):
        lists[name].append(change)
    return Comparison(
        before=old,
        after=new,
        differs=tuple(_differences(old, new)),
        removed=_only_in(old, new),
        added=_only_in(new, old),
        **{name: tuple(changes) for name, changes in lists.items()},
    )


def to_json(comparison: Comparison) -> bytes:
    """Return the comparison as a JSON document in UTF-8."""
    return document(comparison.to_document())


def to_text(comparison: Comparison, lang: str = DEFAULT_LANGUAGE) -> str:
    """Return the comparison as plain lines; an empty list is left out."""
    return "".join(f"{printable(line)}\n" for line in _lines(comparison, messages(lang)))


def to_html(comparison: Comparison, lang: str = DEFAULT_LANGUAGE) -> bytes:
    """Return the comparison as one page that opens offline, in UTF-8."""
    t = messages(lang)
    context = {"comparison": comparison, "changes": CHANGES, "controls": CONTROLS, "whole": _WHOLE, "judgement": _judgement(comparison, t)}
    return page("compare.html.j2", t, context)


def _changes(old: Run, new: Run) -> Iterator[tuple[str, Change]]:
    was, now = _worst(old), _worst(new)
    for key, finding in now.items():
        before = _before(old, was, key)
        if name := _name(before, finding.outcome):
            yield name, _change(finding, before, finding.outcome)
    for key, finding in was.items():
        if key not in now and (name := _name_of_absent(new, finding)):
            yield name, _change(finding, finding.outcome, None)


def _worst(run: Run) -> dict[Key, Finding]:
    found: dict[Key, Finding] = {}
    for finding in run.findings:
        key = (finding.control, finding.subject)
        if key not in found or finding.outcome.badness > found[key].outcome.badness:
            found[key] = finding
    return found


def _before(old: Run, was: dict[Key, Finding], key: Key) -> Outcome | None:
    control, subject = key
    if key in was:
        return was[key].outcome
    if subject in _WHOLE and control in old.by_control:
        return old.by_control[control].outcome
    # A control that could not be looked at is no news where its subjects cannot be either.
    wholes = [was[control, whole].outcome for whole in _WHOLE if (control, whole) in was]
    return next((outcome for outcome in wholes if outcome in _UNSETTLED), None)


def _name(before: Outcome | None, after: Outcome) -> str | None:
    if after is Outcome.FAIL:
        return "still_red" if before is Outcome.FAIL else "new"
    if after in _UNSETTLED:
        return "still_not_proven" if before in _UNSETTLED else "newly_not_proven"
    if before is Outcome.FAIL:
        return "fixed" if after is Outcome.PASS else "newly_excused"
    return None


def _name_of_absent(new: Run, finding: Finding) -> str | None:
    result = new.by_control.get(finding.control)
    is_red = finding.outcome is Outcome.FAIL
    if result is None or not result.is_judged or result.outcome in _UNSETTLED:
        # Nobody looked there again, and what was red has not been seen to be mended.
        return "newly_not_proven" if is_red else None
    if finding.subject not in _WHOLE:
        return "gone"
    if not is_red:
        return None
    return "fixed" if result.outcome is Outcome.PASS else "gone"


def _change(finding: Finding, before: Outcome | None, after: Outcome | None) -> Change:
    return Change(
        control=finding.control,
        subject=finding.subject,
        title=finding.title,
        before=before,
        after=after,
        reason=finding.reason,
        remediation=finding.remediation,
    )


def _only_in(one: Run, other: Run) -> tuple[PlannedControl, ...]:
    there = {result.control.id for result in other.judged}
    return tuple(result.control for result in one.judged if result.control.id not in there)


def _differences(old: Run, new: Run) -> Iterator[Difference]:
    for what in _CIRCUMSTANCES:
        before, after = str(getattr(old.plan, what)), str(getattr(new.plan, what))
        if before != after:
            yield Difference(what=what, old=before, new=after)


def _plain(row: Change | Difference) -> dict[str, Json]:
    return {field.name: getattr(row, field.name) for field in fields(row)}


def _judgement(comparison: Comparison, t: Messages) -> str:
    if comparison.is_worse:
        return t("compare.worse")
    if comparison.is_better:
        return t("compare.better")
    return t("compare.same") if comparison.still_red or comparison.still_not_proven else t("compare.nothing")


def _lines(comparison: Comparison, t: Messages) -> Iterator[str]:
    old, new = comparison.before, comparison.after
    yield t("compare.lead", old=old.plan.run_id, new=new.plan.run_id) + f": {t(f'verdict.{old.verdict}')} → {t(f'verdict.{new.verdict}')}"
    for difference in comparison.differs:
        yield t("compare.differs", **_plain(difference))
    for name in CHANGES:
        yield from _block(t, name, [_line(t, change) for change in getattr(comparison, name)])
    for name in CONTROLS:
        yield from _block(t, name, [f"{control.id} {control.title}" for control in getattr(comparison, name)])
    yield _judgement(comparison, t)


def _block(t: Messages, name: str, rows: list[str]) -> list[str]:
    return [f"{t(f'compare.{name}')} ({len(rows)})", *(f"  {' '.join(row.split())}" for row in rows)] if rows else []


def _line(t: Messages, change: Change) -> str:
    before, after = (t(f"outcome.{outcome}") if outcome else t("compare.absent") for outcome in (change.before, change.after))
    return f"{change.control} {change.subject}: {before} → {after}: {change.reason}"
