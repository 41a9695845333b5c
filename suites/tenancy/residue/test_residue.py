"""Residue: a tenant that has left is nowhere any more, and is let in nowhere any more."""

from __future__ import annotations

import concurrent.futures
import datetime
from typing import TYPE_CHECKING, Final, Protocol

from constat import deadlines, wait
from constat.attempt import Admission, Answer, judge_admission
from constat.control import control
from constat.errors import NotReady, Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import traces
from constat.observe.archive import Repository
from constat.outcome import Impact, Outcome, Severity
from constat.spelling import every_spelling
from constat.trial import Act, Trial
from suites.tenancy.residue import leaving
from suites.tenancy.residue.living import lives

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from constat.stack import Stack
    from constat.target import Target
    from suites.tenancy.gateway.resident import Resident

    Search = Callable[[tuple[str, ...]], tuple[str, ...]]

STORE: Final = "after leaving"
_LABEL: Final = "%Y%m%d-%H%M%S"


class Guests(Protocol):
    """Tenants of a moment."""

    def welcome(self, *, plan: str) -> tuple[str, Stack]:
        """Onboard a tenant in every store; its name, and the handle with it."""

    def farewell(self, name: str) -> None:
        """Offboard it from every store."""


class Canaries(Protocol):
    """The canaries of a run."""

    def of(self, tenant: str, store: str) -> str:
        """The value for that tenant in that store."""


class Logs(Protocol):
    """The logs of a stack's nodes."""

    def collect(self) -> dict[str, tuple[Path, ...]]:
        """Every log as it is now, by node."""


@control(
    "TEN-RES-01",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("gateway", "services", "tenants", "postgres"),
    promises=("isolation.database", "isolation.storage"),
    refs=("GDPR Art. 17", "ISO 27001 A.8.10", "NIST SP 800-88", "CWE-459"),
    remediation="Let offboarding remove the tenant from that store too, with every copy and version, and revoke what it was issued.",
)
def test_a_tenant_that_left_is_nowhere(  # noqa: PLR0917 - each is a fixture
    guests: Guests, canaries: Canaries, logs: Logs, target: Target, smallest_plan: tuple[str, int], findings: Findings
) -> None:
    """After offboarding, no store holds anything of a tenant that had something in each, and none of its logins opens anything."""
    name, stack = guests.welcome(plan=smallest_plan[0])
    resident = lives(stack, name, canaries.of(name, "residue"))
    doors = dict(leaving.doors(stack, resident))
    before = {door: _tried(act) for door, act in doors.items()}
    there = _seen(searches(stack), resident)
    guests.farewell(name)
    findings.judge(_judged(stack, resident, there, before, doors, logs, target))


def searches(stack: Stack) -> dict[str, Search]:
    """How each store that the stack has is searched."""
    found: dict[str, Search] = {}
    if (database := stack.postgres) is not None:
        found["database"] = lambda words: traces.in_database(database, words)
    if (store := stack.objects) is not None:
        found["object store"] = lambda words: traces.in_objects(store, words)
    if (cache := stack.cache) is not None:
        found["cache"] = lambda words: traces.in_cache(cache, words)
    if (broker := stack.broker) is not None:
        found["broker"] = lambda words: traces.in_broker(broker, words)
    if (vault := stack.vault) is not None:
        found["secret store"] = lambda words: traces.in_vault(vault, words)
    return found


def _judged(  # noqa: PLR0917 - what was seen before, and how to look again
    stack: Stack,
    resident: Resident,
    there: dict[str, Answer],
    before: dict[str, Answer],
    doors: dict[str, Callable[[], Answer]],
    logs: Logs,
    target: Target,
) -> Iterator[Judgement]:
    again = _seen(searches(stack), resident)
    for store, seen in there.items():
        yield judge_store(store, seen, again[store])
    for door, act in doors.items():
        yield judge_door(door, before[door], _tried_until_refused(act))
    yield _logged(logs, resident)
    if stack.backups is not None:
        yield _backed_up(stack, target)
    yield coverage(len(there), len(again), what="stores that a tenant has something in")


def judge_store(store: str, before: Answer, after: Answer) -> Judgement:
    """FAIL with what is left; ERROR when there was nothing before, so that nothing could be left."""
    outcome, reason = Outcome.PASS, "nothing is left"
    if after.kind == "could not look" or before.kind == "could not look":
        outcome, reason = Outcome.ERROR, f"could not look: {before.shown if before.kind == 'could not look' else after.shown}"
    elif after.shown:
        outcome, reason = Outcome.FAIL, f"still there: {after.shown.replace(chr(10), ', ')}"
    elif not before.shown:
        outcome, reason = Outcome.ERROR, "the oracle saw nothing of the tenant while it was there: nothing could have been left"
    return Judgement(
        subject=store,
        outcome=outcome,
        reason=reason,
        expected=[],
        observed=after.shown.splitlines(),
        positive_control=f"while it was there: {len(before.shown.splitlines())} places",
        trials=(Trial(actor="whoever comes later", store=STORE, act=Act.SEE, outcome=outcome),),
    )


def judge_door(door: str, before: Answer, after: Answer) -> Judgement:
    """The tenant got in while it was one, and is refused now."""
    plan = Admission(subject=door, refusals=leaving.REFUSALS, authorised=lambda: before, unauthorised=lambda: after, reproduction=door)
    ended = judge_admission(plan, before, after)
    trial = Trial(actor="former tenant", store=STORE, act=Act.IMPERSONATE, outcome=ended.outcome)
    return Judgement(
        subject=ended.subject,
        outcome=ended.outcome,
        reason=ended.reason,
        expected=ended.expected,
        observed=ended.observed,
        positive_control=ended.positive_control,
        trials=(trial,),
    )


def _words(resident: Resident) -> tuple[str, ...]:
    """What would be the tenant's, in every spelling: its data, its id, and its name, which nobody else's begins or ends with."""
    return every_spelling((resident.canary, resident.organization_id, resident.tenant))


def _seen(search: dict[str, Search], resident: Resident) -> dict[str, Answer]:
    """Every store, all of them at once: most of the time is theirs."""
    words = _words(resident)
    with concurrent.futures.ThreadPoolExecutor(max(1, len(search)), thread_name_prefix="searches") as pool:
        return dict(zip(search, pool.map(lambda one: _searched(one, words), search.values()), strict=True))


def _searched(search: Search, words: tuple[str, ...]) -> Answer:
    try:
        return Answer(kind="ok", shown="\n".join(search(words)))
    except Unobservable as problem:
        return Answer(kind="could not look", shown=str(problem))


def _tried(act: Callable[[], Answer]) -> Answer:
    try:
        return act()
    except Unobservable as problem:
        return Answer(kind="could not look", shown=str(problem))


def _tried_until_refused(act: Callable[[], Answer]) -> Answer:
    """What is said once whatever is remembered for a few seconds has been forgotten."""
    last = Answer(kind="could not look")

    def look() -> Answer:
        nonlocal last
        last = _tried(act)
        return last

    try:
        return wait.until(look, what="it is refused", within=deadlines.SERVICE_ANSWERS, every=0.5, holds=lambda seen: seen.kind != "ok")
    except NotReady:
        return last


def _logged(logs: Logs, resident: Resident) -> Judgement:
    held = [
        f"{node}/{path.name}" for node, paths in logs.collect().items() for path in paths if resident.canary.encode() in path.read_bytes()
    ]
    outcome = Outcome.FAIL if held else Outcome.PASS
    reason = f"its data is in {', '.join(held)}" if held else "no log holds its data"
    trial = Trial(actor="whoever comes later", store=STORE, act=Act.SEE, outcome=outcome)
    return Judgement(subject="logs", outcome=outcome, reason=reason, expected=[], observed=held, trials=(trial,))


def _backed_up(stack: Stack, target: Target) -> Judgement:
    """Every backup that was begun while the tenant was there, and the day on which the last of them goes."""
    days = target.objectives.recovery.retention_days
    if stack.backups is None or stack.objects is None or days is None:
        reason = "the target promises no retention, so nobody knows when backups forget the tenant"
        return Judgement(subject="backups", outcome=Outcome.NOT_REVIEWED, reason=reason)
    try:
        kept = [backup.label for backup in Repository(stack.backups, stack.objects).backups()]
    except Unobservable as problem:
        return Judgement(subject="backups", outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    listed = {label: expiry(label, days) for label in kept}
    last = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)).date()
    reason = f"{len(kept)} backups are listed with their expiry; what was archived of the tenant until now goes by {last}"
    return Judgement(subject="backups", outcome=Outcome.PASS, reason=reason, expected=listed, observed=listed)


def expiry(label: str, days: int) -> str:
    """The day on which a backup may go, by the time in its label and the retention."""
    made = datetime.datetime.strptime(label[:15], _LABEL).replace(tzinfo=datetime.UTC)
    return str((made + datetime.timedelta(days=days)).date())
