"""Whether somebody was let in who should not have been: for actors with nothing of their own behind the door."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from constat.judgement import Judgement
from constat.outcome import Outcome, worst
from constat.trial import Act, Trial
from suites.tenancy.gateway import judging

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from constat.observe.http import Reply
    from suites.tenancy.gateway.request import Request

    Presented = tuple[str, Request, Reply]

# Only the demand for a token, or for a well-formed request, keeps somebody out: not finding a thing is told to those who are in.
REFUSALS: Final = frozenset({400, 401, 403})
_FAILED: Final = 500


def outcome_of(request: Request, reply: Reply, foreign: frozenset[str]) -> tuple[Outcome, str]:
    """How one try ended, and why."""
    if shown := judging.leaks(request, reply, foreign):
        return Outcome.FAIL, f"answered {reply.status} with what is another tenant's: {', '.join(shown[:3])}"
    if reply.status in REFUSALS:
        return Outcome.PASS, f"refused: http {reply.status}"
    if reply.status >= _FAILED:
        return Outcome.ERROR, f"neither let in nor refused: http {reply.status}"
    return Outcome.FAIL, f"was let in: http {reply.status} {reply.text[:120]}".strip()


def admitted(
    subject: str, tries: Sequence[Presented], foreign: frozenset[str], *, twin: str, changed: Iterable[str], base: str, act: Act
) -> Judgement:
    """One judgement of every try at a door, as good as the worst."""
    ended = [(how, request, reply, *outcome_of(request, reply, foreign)) for how, request, reply in tries]
    altered = sorted(changed)
    outcome = Outcome.FAIL if altered else worst(one[3] for one in ended)
    telling = next((one for one in ended if one[3] is outcome), ended[0] if ended else None)
    reason = (
        f"{len(ended)} tries were refused" if outcome is Outcome.PASS else f"{telling[0]}: {telling[4]}" if telling else "nothing was tried"
    )
    if altered:
        reason = f"the oracle sees that the other tenant's {', '.join(altered)} changed; {reason}"
    evidence = (
        judging.evidence(judging.Tried(how=telling[0], request=telling[1], reply=telling[2], actor="anonymous"), reason, base)
        if telling
        else ()
    )
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected={f"http {status}": 0 for status in sorted(REFUSALS)},
        observed=dict(Counter(f"http {one[2].status}" for one in ended).most_common()),
        positive_control=twin,
        evidence=evidence if outcome is not Outcome.PASS else (),
        trials=(Trial(actor="forger", store=judging.GATEWAY, act=act, outcome=outcome, count=len(ended)),),
    )
