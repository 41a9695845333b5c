"""Attack many relations at once: the acts of one kind over all of them, then a look from the victim's side.

The order of an attempt (permitted twin, oracle, forbidden act, oracle) holds for every
relation; only the round trips are shared.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from constat.attempt import Answer
from constat.judgement import Judgement, coverage
from constat.outcome import Outcome
from suites.tenancy.postgres.acts import OWN, twins
from suites.tenancy.postgres.judging import Tried, judged
from suites.tenancy.postgres.scenes import Plan, Scene
from suites.tenancy.postgres.sessions import QUIET
from suites.tenancy.postgres.watch import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from constat.observe.relations import Relation
    from suites.tenancy.postgres.field import Field
    from suites.tenancy.postgres.sessions import Attacker

    Planner: TypeAlias = Callable[[Scene], Iterator[Plan]]
    Twin: TypeAlias = tuple[int, str, str]  # relation, name, and who carries it out

_SUCCESS: Final = frozenset({"ok"})
_UNTRIED: Final = Answer(kind="not tried")


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A plan aimed at a relation."""

    scene: Scene
    plan: Plan


def attacked(field: Field, touched: Sequence[Relation], planner: Planner, *, what: str) -> Iterator[Judgement]:
    """Attack the relations and judge each; then say how many of them that was, and what else was hurt."""
    accepted = field.target.isolation.shared
    scenes = field.scenes(tuple(relation for relation in touched if str(relation) not in accepted))
    shots = [Shot(scene=scene, plan=plan) for scene in scenes.values() if isinstance(scene, Scene) for plan in planner(scene)]
    tried, hurt = volley(field, shots)
    left_out = []
    for relation in touched:
        judgement = _judgement(relation, accepted.get(str(relation)), scenes.get(relation.oid, ""), tried[relation.oid])
        left_out += [str(relation)] if judgement.outcome is Outcome.NOT_REVIEWED else []
        yield judgement
    yield from _bystanders(field, hurt, {shot.scene.theirs.relation.oid for shot in shots})
    yield coverage(len(touched) - len(left_out), len(touched), what=what, left_out=tuple(left_out))


def volley(field: Field, shots: Sequence[Shot]) -> tuple[dict[int, list[Tried]], dict[str, list[int]]]:
    """Carry everything out; what was tried at each relation, and which relations changed during which wave."""
    twin_answers, twin_canaries = _twins(field, shots)
    before = field.holdings()
    tried: dict[int, list[Tried]] = defaultdict(list)
    hurt: dict[str, list[int]] = {}
    for word, wave in _waves(shots):
        answers = _fire(field.actors[wave[0].plan.actor], wave)
        after = field.holdings()
        hurt[word] = [oid for oid, held in after.items() if before.get(oid, NOTHING) != held]
        for shot, answer in zip(wave, answers, strict=True):
            source, oid = shot.scene.theirs.relation.oid, shot.scene.relation.oid
            twin = (oid, shot.plan.twin, shot.plan.by)
            tried[oid].append(
                Tried(
                    plan=shot.plan,
                    own_canary=twin_canaries.get(twin, shot.scene.mine.canary),
                    foreign_canary=shot.scene.theirs.canary,
                    twin=twin_answers.get(twin, _UNTRIED),
                    before=str(before.get(source, NOTHING)),
                    answer=answer,
                    after=str(after.get(source, NOTHING)),
                    statement=shot.plan.act.statement,
                )
            )
        before = after
    return tried, hurt


def _waves(shots: Sequence[Shot]) -> Iterator[tuple[str, list[Shot]]]:
    """What is rolled back goes together by actor; what is kept goes by kind, so that a change can be told whose it is."""
    groups: dict[str, list[Shot]] = defaultdict(list)
    for shot in shots:
        plan = shot.plan
        groups[plan.how if plan.act.keep or plan.copies else f"acts of {plan.actor}"].append(shot)
    yield from groups.items()


def _fire(attacker: Attacker, wave: Sequence[Shot]) -> list[Answer]:
    if wave[0].plan.copies:
        return attacker.copies([shot.plan.act.statement for shot in wave])
    # What is one's own succeeds when all is well; everything else is refused.
    return attacker.acts([shot.plan.act for shot in wave], alike=_SUCCESS if wave[0].plan.refusals == OWN else QUIET)


def _twins(field: Field, shots: Sequence[Shot]) -> tuple[dict[Twin, Answer], dict[Twin, str]]:
    """The positive controls that the shots need, each carried out once."""
    scenes = {shot.scene.relation.oid: shot.scene for shot in shots}
    names: dict[int, dict[str, None]] = defaultdict(dict)
    for shot in shots:
        names[shot.scene.relation.oid][shot.plan.twin] = None
    known = {oid: twins(scene, names[oid]) for oid, scene in scenes.items()}
    needed = dict.fromkeys((shot.scene.relation.oid, shot.plan.twin, shot.plan.by) for shot in shots)
    answers: dict[Twin, Answer] = {}
    for actor in dict.fromkeys(by for _, _, by in needed):
        asked = [twin for twin in needed if twin[2] == actor and twin[1] in known[twin[0]].acts]
        said = field.actors[actor].acts([known[oid].acts[name] for oid, name, _ in asked], alike=_SUCCESS)
        answers |= zip(asked, said, strict=True)
    return answers, {twin: known[twin[0]].canaries[twin[1]] for twin in answers}


def _judgement(relation: Relation, shared: str | None, scene: Scene | str, tried: list[Tried]) -> Judgement:
    if shared is not None:
        return Judgement(subject=str(relation), outcome=Outcome.NOT_APPLICABLE, reason=f"declared as shared by all tenants: {shared}")
    if isinstance(scene, str):
        return Judgement(subject=str(relation), outcome=Outcome.NOT_REVIEWED, reason=scene)
    return judged(str(relation), tried)


def _bystanders(field: Field, hurt: dict[str, list[int]], aimed_at: set[int]) -> Iterator[Judgement]:
    """Relations that nobody aimed at, where the victim's rows changed all the same."""
    for word, oids in hurt.items():
        for oid in sorted(set(oids) - aimed_at):
            yield Judgement(
                subject=str(field.order[oid][1]),
                outcome=Outcome.FAIL,
                reason=f"the victim's rows changed while others were attacked ({word})",
            )
