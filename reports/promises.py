"""What became of each promise: the controls that judge it, and the worst of their outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat.outcome import Outcome, worst

if TYPE_CHECKING:
    from reports.run import Result, Run


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A promise of the specification; `words` is empty when the run did not record them."""

    id: str
    words: str
    results: tuple[Result, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst over all of its controls, run or not: half of a promise is not the promise."""
        return worst(result.outcome for result in self.results)


def promises(run: Run) -> tuple[Promise, ...]:
    """Every promise that the target makes or a control names, by id."""
    named = {promise for result in run.results for promise in result.control.promises}
    return tuple(_promise(run, name) for name in sorted(named | set(run.plan.promises)))


def _promise(run: Run, name: str) -> Promise:
    results = tuple(result for result in run.results if name in result.control.promises)
    return Promise(id=name, words=run.plan.promises.get(name, ""), results=results)
