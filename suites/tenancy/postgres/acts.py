"""What an application login could do to a neighbour's rows, as statements; each has a permitted twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from suites.tenancy.postgres.planting import TEXTS, tellings
from suites.tenancy.postgres.scenes import DENIED, Plan, Twins
from suites.tenancy.postgres.seeds import WRITABLE, identifier, named
from suites.tenancy.postgres.sessions import Act
from suites.tenancy.postgres.statements import (
    deleting,
    insertable,
    inserting,
    insertion,
    merging,
    on_conflict,
    passing,
    reading,
    real_changes,
    repeatable,
    returning,
    touching,
    whose_row,
    writing_a_constant,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from constat.observe.relations import Relation
    from suites.tenancy.postgres.scenes import Scene

OWN_ONLY: Final = DENIED | {"own rows only"}
# What is one's own may be done; what it does to others is seen from the victim's side.
OWN: Final = frozenset({"ok", "zero rows", "sqlstate 23503", "sqlstate 23505"})
OWN_ERROR: Final = DENIED | {"sqlstate 22P02"}
# A value that was made up may be refused, by whatever constraint or trigger.
OWN_CHANGED: Final = OWN | {f"sqlstate {state}" for state in ("22001", "22003", "22008", "23502", "23514", "23P01", "42501", "P0001")}
_BY_SCANNING: Final = (sql.SQL("SET LOCAL enable_indexscan = off"), sql.SQL("SET LOCAL enable_bitmapscan = off"))
# Without a context: no rows, or an error about the context itself.
CLOSED: Final = DENIED | {"sqlstate 22P02", "sqlstate 42704", "sqlstate 23502"}
# 0A000: COPY FROM is refused where row level security applies; 55000: a view that takes no rows.
NO_COPY: Final = DENIED | {"sqlstate 0A000", "sqlstate 55000"}
# 21000: ON CONFLICT finds the same row twice; 23505: a unique key, whose telling is judged by pairs; 23503: so are references.
TAKEN: Final = DENIED | {"sqlstate 23505", "sqlstate 23503", "sqlstate 42P10", "sqlstate 55000", "sqlstate 0A000"}


def twins(scene: Scene, needed: Collection[str]) -> Twins:
    """Read, change, insert and delete one's own; only those that are needed."""
    found = Twins()
    blind = not scene.relation.readable  # then what the server says of the statement must do
    for name in needed:
        if name == "read" and scene.relation.readable:
            content = sql.SQL(" WHERE position({} in {}) > 0").format(scene.mine.canary, scene.text)
            found.add(name, reading(scene) + content, scene.mine.canary)
        elif name == "change" and scene.may("UPDATE"):
            change = writing_a_constant(scene) if blind else touching(scene) + whose_row(scene, scene.mine) + returning(scene)
            found.add(name, change, "UPDATE" if blind else scene.mine.canary)
        elif name == "insert" and scene.may("INSERT"):
            values = insertable(scene, scene.mine)
            told = "INSERT" if blind else _told(scene, values)
            found.add(name, inserting(scene.relation, values) + returning(scene), told)
        elif name == "delete" and scene.may("DELETE"):
            delete = deleting(scene) if blind else deleting(scene) + whose_row(scene, scene.spare) + returning(scene)
            found.add(name, delete, "DELETE" if blind else scene.spare.canary)
    return found


def _told(scene: Scene, values: dict[str, Any]) -> str:
    """What a new row is recognised by when it is read back: an id of its own where nothing else carries the canary."""
    shown = {name: value for name, value in values.items() if name in scene.relation.readable}
    return tellings(scene.relation, scene.tenant_column, shown, scene.mine.canary) or scene.mine.organization_id


def reads(scene: Scene) -> Iterator[Plan]:
    """Every way to see the victim's row."""
    if not scene.relation.readable:
        return
    rows = reading(scene)
    content = sql.SQL(" WHERE position({} in {}) > 0").format(scene.theirs.canary, scene.text)
    yield Plan(how="read by content", twin="read", act=Act(statement=rows + content))
    yield Plan(how="read by key", twin="read", act=Act(statement=rows + whose_row(scene, scene.theirs)))
    if scene.is_labelled:
        others = rows + sql.SQL(" WHERE {} IS DISTINCT FROM {} LIMIT 50").format(scene.column, scene.mine.organization_id)
        yield Plan(how="read all others", twin="read", act=Act(statement=others, own_rows=0))
        yield Plan(how="read by copy", twin="read", act=Act(statement=others), copies=True)
    yield from _by_error(scene)
    for actor in ("nobody", "emptied"):
        everything = Act(statement=rows + sql.SQL(" LIMIT 50"), own_rows=0)
        yield Plan(how=f"read without a context ({actor})", twin="read", act=everything, actor=actor, refusals=CLOSED)
    for path in ("direct", "replica"):
        yield Plan(how=f"read by content ({path})", twin="read", act=Act(statement=rows + content), actor=path, by=path)
    if scene.relation.kind in WRITABLE and scene.may("UPDATE"):
        yield Plan(how="lock", twin="read", act=Act(statement=rows + content + sql.SQL(" FOR UPDATE")))


def changes(scene: Scene) -> Iterator[Plan]:
    """Every way to change the victim's row; without a condition only the rows that were reached are counted."""
    if not scene.may("UPDATE"):
        return
    touch, everything = touching(scene), writing_a_constant(scene)
    if scene.relation.readable:
        yield Plan(how="change by key", twin="change", act=Act(statement=touch + whose_row(scene, scene.theirs), keep=True))
        own = Act(statement=touch + whose_row(scene, scene.mine) + returning(scene), keep=True)
        yield Plan(how="change one's own, and nobody else's", twin="change", act=own, refusals=OWN)
        for act in real_changes(scene):
            yield Plan(how="really change one's own, and nobody else's", twin="change", act=act, refusals=OWN_CHANGED)
    if scene.is_labelled:
        tenant = sql.SQL(" WHERE {} = {}").format(scene.column, scene.theirs.organization_id)
        yield Plan(how="change by tenant", twin="change", act=Act(statement=touch + tenant + returning(scene)))
    counted = Act(statement=everything, own_rows=scene.own_rows)
    yield Plan(how="change everything", twin="change", act=counted, refusals=OWN_ONLY)
    for actor in ("nobody", "emptied"):
        unbound = Act(statement=everything, own_rows=0)
        yield Plan(how=f"change without a context ({actor})", twin="change", act=unbound, actor=actor, refusals=CLOSED)
    if scene.relation.kind in WRITABLE and (merge := merging(scene, sql.SQL("UPDATE SET {c} = t.{c}"))):
        yield Plan(how="change by MERGE", twin="change", act=Act(statement=merge))


def is_movable(relation: Relation, tenant_column: str) -> bool:
    """Whether rows can be put into it at all: inserted, or handed to another tenant."""
    return "INSERT" in relation.privileges or any(c.name == tenant_column and "UPDATE" in c.granted for c in relation.columns)


def moves(scene: Scene) -> Iterator[Plan]:
    """Every way to put a row of one's own among the victim's."""
    labelled = next((c for c in scene.relation.columns if c.name == scene.tenant_column), None)
    if labelled and "UPDATE" in labelled.granted:
        move = sql.SQL("UPDATE {} AS r SET {} = {}").format(scene.name, identifier(scene.tenant_column), scene.theirs.organization_id)
        if scene.relation.readable:
            by_key = Act(alone=True, statement=move + whose_row(scene, scene.mine), keep=True)
            yield Plan(how="move by key", twin="change", act=by_key, refusals=TAKEN)
        yield Plan(how="move everything", twin="change", act=Act(alone=True, statement=move, own_rows=0), refusals=TAKEN)
    if not scene.may("INSERT"):
        return
    given = insertion(scene, scene.theirs)
    yield Plan(how="insert for the victim", twin="insert", act=Act(alone=True, statement=given, keep=True))
    own = Act(statement=insertion(scene, scene.mine) + returning(scene), keep=True)
    yield Plan(how="insert one's own, and nobody else's", twin="insert", act=own, refusals=OWN)
    if repeated := passing(scene, insertable(scene, scene.mine) | repeatable(scene)):
        yield Plan(how="insert what the victim has, and take it back", twin="insert", act=repeated, refusals=OWN_CHANGED)
    if scene.may("SELECT"):
        yield Plan(how="insert for the victim and read it back", twin="insert", act=Act(alone=True, statement=given + returning(scene)))
    for actor in ("nobody", "emptied"):
        yield Plan(
            how=f"insert without a context ({actor})", twin="insert", act=Act(alone=True, statement=given), actor=actor, refusals=CLOSED
        )
    if scene.may("UPDATE") and scene.relation.kind in WRITABLE and scene.relation.key:
        upsert = insertion(scene, scene.theirs, fresh=False) + on_conflict(scene)
        yield Plan(how="upsert onto the victim's row", twin="insert", act=Act(alone=True, statement=upsert), refusals=TAKEN)


def deletions(scene: Scene) -> Iterator[Plan]:
    """Every way to delete the victim's row; without a condition only the rows that were reached are counted."""
    if scene.may("TRUNCATE") and scene.relation.kind in WRITABLE:
        truncate = sql.SQL("TRUNCATE {} CASCADE").format(scene.name)
        yield Plan(how="truncate", twin="delete" if scene.may("DELETE") else "read", act=Act(statement=truncate, telling=True))
    if not scene.may("DELETE"):
        return
    delete = deleting(scene)
    if scene.relation.readable:
        yield Plan(how="delete by key", twin="delete", act=Act(statement=delete + whose_row(scene, scene.theirs), keep=True))
    if scene.is_labelled:
        tenant = sql.SQL(" WHERE {} = {}").format(scene.column, scene.theirs.organization_id)
        yield Plan(how="delete by tenant", twin="delete", act=Act(statement=delete + tenant))
    if scene.may("INSERT") and (own := passing(scene, insertable(scene, scene.mine))):
        yield Plan(how="delete one's own, and nobody else's", twin="delete", act=own, refusals=OWN_CHANGED)
    clear = tuple(sql.SQL("DELETE FROM {}").format(named(other)) for other in scene.referring if "DELETE" in other.privileges)
    counted = Act(statement=delete, own_rows=scene.own_rows, before=clear)
    yield Plan(how="delete everything", twin="delete", act=counted, refusals=OWN_ONLY)
    for actor in ("nobody", "emptied"):
        unbound = Act(statement=delete, own_rows=0)
        yield Plan(how=f"delete without a context ({actor})", twin="delete", act=unbound, actor=actor, refusals=CLOSED)
    if scene.relation.kind in WRITABLE and (merge := merging(scene, sql.SQL("DELETE"))):
        yield Plan(how="delete by MERGE", twin="delete", act=Act(statement=merge))


def contexts(scene: Scene) -> Iterator[Plan]:
    """Read in contexts that are nobody's, and by a plan that was made in the victim's."""
    if not scene.relation.readable:
        return
    rows = reading(scene)
    for actor in ("wildcard", "prefix", "word"):
        everything = Act(alone=True, statement=rows + sql.SQL(" LIMIT 50"), own_rows=0)
        yield Plan(how=f"read in a context that is nobody's ({actor})", twin="read", act=everything, actor=actor, refusals=CLOSED)
    yield Plan(how="read by a plan of the victim's", twin="read", act=_planned(scene), actor="direct", by="direct")


def _planned(scene: Scene) -> Act:
    """The connection serves the victim first, and keeps its plan; then it serves the attacker."""
    plan = identifier(f"constat_{scene.relation.oid}")
    content = sql.SQL(" WHERE position({} in {}) > 0").format(scene.theirs.canary, scene.text)
    context = sql.SQL("SELECT set_config({}, {}, true)")
    before = (
        sql.SQL("SET LOCAL plan_cache_mode = force_generic_plan"),
        context.format(scene.setting, scene.theirs.organization_id),
        sql.SQL("PREPARE {} AS ").format(plan) + reading(scene) + content,
        sql.SQL("EXECUTE {}").format(plan),
        context.format(scene.setting, scene.mine.organization_id),
    )
    return Act(statement=sql.SQL("EXECUTE {}").format(plan), before=before)


def _by_error(scene: Scene) -> Iterator[Plan]:
    """A condition that fails on the victim's row alone, and says its value: it must never be tried on it."""
    for column in scene.relation.columns:
        value = scene.theirs.values.get(column.name)
        if column.base in TEXTS and "SELECT" in column.granted and isinstance(value, str) and scene.theirs.canary in value:
            name = identifier("r", column.name)
            tried = sql.SQL(" WHERE CASE WHEN position({} in {}) > 0 THEN {}::int ELSE 0 END = 1").format(scene.theirs.canary, name, name)
            yield Plan(how="read by error", twin="read", act=Act(statement=reading(scene) + tried))
            if scene.relation.kind == "view":
                # The cheapest condition there is, and no index that would look for one's own rows first.
                cast = Act(statement=reading(scene) + sql.SQL(" WHERE {}::int = 1").format(name), before=_BY_SCANNING)
                yield Plan(how=f"read by a cast of {column.name}", twin="read", act=cast, refusals=OWN_ERROR)
            else:
                return
