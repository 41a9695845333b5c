"""Numbers as the report has them: with their unit, their number of lost writes, and no more digits than were measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.messages import Messages
    from reports.quarterly.objectives import Objective

_MINUTE = 60
UNKNOWN = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_SMALLEST = 0.001  # what is shown; below it, digits are noise


def seconds(t: Messages, value: float | None) -> str:
    """A duration: milliseconds below a second, tenths below a minute; a dash for what is not known."""
    if value is None:
        return UNKNOWN
    if value == 0 or abs(value) >= _MINUTE:
        return f"{value:.0f} s" if value == 0 else (_MINUS if value < 0 else "") + t.duration(abs(value))
    if abs(value) < _SMALLEST:
        return f"< {_SMALLEST} s".replace(".", t("lang.decimal"))
    digits = 3 if abs(value) < 1 else 1
    return f"{value:.{digits}f} s".replace("-", _MINUS).replace(".", t("lang.decimal"))


def promised(t: Messages, objective: Objective) -> str:
    """The promise, with its direction."""
    if objective.is_duration_to_keep:
        return t("quarterly.at.least", value=t("quarterly.days", n=f"{objective.promised:g}"))
    return seconds(t, 0.0) if objective.promised == 0 else t("quarterly.at.most", value=seconds(t, objective.promised))


def measured(t: Messages, objective: Objective) -> str:
    """The worst measurement; a loss with what it was counted of."""
    decisive = objective.worst
    if decisive is None:
        return t("quarterly.unmeasured")
    if decisive.measured is None:
        return t("quarterly.beyond")
    if objective.is_duration_to_keep:
        return t("quarterly.days", n=f"{decisive.measured:.1f}".replace(".", t("lang.decimal")))
    if "lost" in decisive.details:
        lost = t("quarterly.lost", lost=t.whole(decisive.details["lost"]), all=t.whole(decisive.details["acknowledged"]))
        return f"{seconds(t, decisive.measured)} ({lost})"
    return seconds(t, decisive.measured)


def resolution(t: Messages, objective: Objective) -> str:
    """How finely it was measured, at the coarsest."""
    return UNKNOWN if objective.resolution is None else f"± {seconds(t, objective.resolution)}"


def margin(t: Messages, objective: Objective) -> str:
    """What is left of the promise, also as a share of it."""
    left = objective.margin
    if left is None:
        return UNKNOWN
    if objective.is_duration_to_keep:
        return t("quarterly.days", n=f"{left:+.1f}".replace(".", t("lang.decimal")))
    share = f" ({100 * left / objective.promised:.0f} %)" if objective.promised else ""
    return seconds(t, left) + share.replace("-", _MINUS)
