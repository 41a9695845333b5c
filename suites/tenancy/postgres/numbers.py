"""Numbers that the server fills in: one that goes on further when another tenant wrote has counted that tenant's rows."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from psycopg import sql

from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.postgres.looks import said
from suites.tenancy.postgres.scenes import Scene
from suites.tenancy.postgres.sessions import Act
from suites.tenancy.postgres.statements import insertable, inserting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.postgres.field import Field
    from suites.tenancy.postgres.looks import Look, Watched
    from suites.tenancy.postgres.sessions import Attacker

# Columns that the server fills in by counting.
_FILLED: Final = """
SELECT a.attrelid::bigint, a.attname::text FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) ~ 'nextval\\(')
"""


def judge_numbers(names: list[str], drawn: list[Look]) -> Iterator[Judgement]:
    """FAIL for a number of one's own rows that goes on further when the other tenant wrote.

    Drawn once at first, then quietly and after a write in turn.
    """
    for name in names:
        found = [number(look.get(name, "")) for look in drawn]
        numbers = [number for number in found if number is not None]
        steps = [after - before for before, after in itertools.pairwise(numbers)]
        quiet, by_write = set(steps[::2]), steps[1::2]
        if len(numbers) < len(drawn):
            kind = next(look.get(name, "").split("\n")[0] for look, number in zip(drawn, found, strict=True) if number is None)
            outcome, reason = Outcome.NOT_REVIEWED, f"no row of one's own could be inserted to see what the server fills in: {kind[:80]}"
        elif len(quiet) == 1 and by_write and not quiet & set(by_write):
            outcome, reason = Outcome.FAIL, "the number that the server gives one's own row counts what the other tenant writes"
        else:
            outcome, reason = Outcome.PASS, "the number that the server gives one's own row does not count what the other tenant writes"
        yield Judgement(subject=name, outcome=outcome, reason=reason, expected=sorted(quiet), observed=by_write)


def numbered_rows(field: Field) -> Iterator[tuple[str, sql.Composed]]:
    """An INSERT of one's own for every column that a sequence fills in, left to the server."""
    filled = defaultdict(list)
    for oid, name in field.oracle.execute(_FILLED).fetchall():
        filled[oid].append(name)
    relations = tuple(one for one in field.reachable if one.oid in filled and "INSERT" in one.privileges)
    scenes = field.scenes(relations) if relations else {}
    for relation in relations:
        scene = scenes[relation.oid]
        shown = [column.name for column in relation.columns if column.name in filled[relation.oid] and "SELECT" in column.granted]
        if isinstance(scene, Scene):
            values = {name: value for name, value in insertable(scene, scene.mine).items() if name not in filled[relation.oid]}
            for name in shown:
                yield f"{relation}.{name} of one's own", inserting(relation, values) + sql.SQL(" RETURNING {}").format(sql.Identifier(name))


def drawn_numbers(attacker: Attacker, numbered: Watched) -> Look:
    """What the server fills in now; the rows are not kept, and the sequences go on all the same."""
    return {name: said(attacker.act(Act(statement=statement))) for name, statement in numbered}


def number(said: str) -> int | None:
    """The last number in what an INSERT returned; None when it was refused."""
    digits = re.findall(r"\d+", said) if said.startswith("ok") else []
    return int(digits[-1]) if digits else None
