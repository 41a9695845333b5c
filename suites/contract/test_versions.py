"""Versions: what each component says of itself, beside what was promised."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement
from constat.observe.versions import Question, numbers, questions
from constat.outcome import Impact, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constat.stack import Stack
    from constat.target import Target

_AT_ONCE: Final = 12


@control(
    "CON-VER-01",
    severity=Severity.MEDIUM,
    impact=Impact.OBSERVE,
    needs=(),
    promises=("versions",),
    refs=("ISO 27001 A.8.8", "NIST CM-8"),
    remediation="Upgrade the component to the promised version, or promise the one that is supported.",
)
def test_every_component_has_the_promised_version(stack: Stack, target: Target, findings: Findings) -> None:
    """Every component answers by its own protocol, with at least the version that was promised."""
    promised = {name: version for name, version in target.objectives.versions if version is not None}
    asked = questions(stack)
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        said = list(pool.map(_ask, asked))
    findings.judge(judge_versions(asked, said, promised))


def judge_versions(asked: tuple[Question, ...], said: list[str | Unobservable], promised: Mapping[str, str]) -> Iterator[Judgement]:
    """One judgement a server, and one for each promised component that nobody could ask."""
    for question, answer in zip(asked, said, strict=True):
        yield _judged(question, answer, promised.get(question.component))
    for component in promised.keys() - {question.component for question in asked}:
        reason = "a version is promised, and the stack has no such component to ask"
        yield Judgement(subject=component, outcome=Outcome.ERROR, reason=reason, expected=promised[component], observed="")


def _judged(question: Question, answer: str | Unobservable, promised: str | None) -> Judgement:
    if isinstance(answer, Unobservable):
        outcome, reason, observed = Outcome.ERROR, f"could not look: {answer}", ""
    elif promised is None:
        outcome, reason, observed = Outcome.PASS, f"answers with version {answer}; none was promised", answer
    elif numbers(answer) >= numbers(promised):
        outcome, reason, observed = Outcome.PASS, f"{answer} is at least {promised}", answer
    else:
        outcome, reason, observed = Outcome.FAIL, f"{answer} is older than the promised {promised}", answer
    return Judgement(subject=question.subject, outcome=outcome, reason=reason, expected=promised or "", observed=observed)


def _ask(question: Question) -> str | Unobservable:
    try:
        answer = question.ask()
        numbers(answer)
    except Unobservable as problem:
        return problem
    return answer
