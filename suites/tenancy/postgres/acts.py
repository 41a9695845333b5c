"""What an application login could do to a neighbour's rows, as statements; each has a permitted twin."""

from __future__ import annotations

import functools
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from suites.tenancy.postgres.planting import CANARY, MARK, TEXTS, candidates, new_canary, new_uuid, tellings
from suites.tenancy.postgres.seeds import WRITABLE, named
from suites.tenancy.postgres.sessions import Act

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from psycopg.abc import AdaptContext
    from psycopg.sql import Composed

    from constat.observe.relations import Relation
    from suites.tenancy.postgres.seeds import Seed

# 42501: no privilege, or row level security refuses the new row.
DENIED: Final = frozenset({"zero rows", "sqlstate 42501"})
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


class Rendered(sql.Composable):
    """A part of many statements, rendered once."""

    def __init__(self, part: sql.Composable) -> None:
        """Render it, for a database in UTF-8."""
        super().__init__(part)
        self._bytes = part.as_bytes()

    def as_bytes(self, context: AdaptContext | None = None) -> bytes:  # noqa: ARG002 - the same in every context
        """As it was rendered."""
        return self._bytes


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One relation, the attacker's and the victim's rows in it, and what the attacker may do to it."""

    relation: Relation
    tenant_column: str
    mine: Seed
    spare: Seed
    theirs: Seed
    setting: str = ""  # that says whose context it is
    own_rows: int = 0
    alternates: dict[str, dict[str, Any]] = field(default_factory=dict)  # tenant → what one reference could be instead
    referring: tuple[Relation, ...] = ()  # what refers to it, the farthest first

    @functools.cached_property
    def name(self) -> Rendered:
        """The relation's name for a statement."""
        return Rendered(named(self.relation))

    @property
    def column(self) -> sql.Identifier:
        """The column that says whose a row is."""
        return sql.Identifier("r", self.tenant_column)

    @property
    def is_labelled(self) -> bool:
        """Whether the attacker can read whose a row is."""
        return self.tenant_column in self.relation.readable

    @functools.cached_property
    def shown(self) -> Rendered:
        """The columns that the attacker may read."""
        return Rendered(sql.SQL(", ").join(sql.Identifier("r", name) for name in self.relation.readable))

    @functools.cached_property
    def text(self) -> Rendered:
        """What the attacker may read of a row, as text."""
        return Rendered(sql.SQL("ROW({})::text").format(self.shown))

    def elsewhere(self, seed: Seed) -> Seed:
        """The same row under another parent of the same tenant."""
        return replace(seed, values=seed.values | self.alternates.get(seed.tenant, {}))

    def may(self, command: str) -> bool:
        """Whether the command is granted on the relation, or on one of its columns."""
        return command in self.relation.privileges


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A forbidden act: what it is called, who tries it, how it may be refused, and which twin is its positive control."""

    how: str
    act: Act
    twin: str
    refusals: frozenset[str] = DENIED
    actor: str = "tenant"
    by: str = "tenant"  # who carries out the twin: the same path
    copies: bool = False


@dataclass(frozen=True)
class Twins:
    """The permitted acts of a relation: the same commands on one's own rows, none of them kept."""

    acts: dict[str, Act] = field(default_factory=dict)
    canaries: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, statement: Composed, canary: str) -> None:
        """Keep one, and what is seen when it succeeds."""
        self.acts[name], self.canaries[name] = Act(statement=statement), canary


def twins(scene: Scene, needed: Collection[str]) -> Twins:
    """Read, change, insert and delete one's own; only those that are needed."""
    found = Twins()
    blind = not scene.relation.readable  # then what the server says of the statement must do
    for name in needed:
        if name == "read" and scene.relation.readable:
            content = sql.SQL(" WHERE position({} in {}) > 0").format(scene.mine.canary, scene.text)
            found.add(name, _reading(scene) + content, scene.mine.canary)
        elif name == "change" and scene.may("UPDATE"):
            change = _constant(scene) if blind else _touch(scene) + _whose(scene, scene.mine) + _returning(scene)
            found.add(name, change, "UPDATE" if blind else scene.mine.canary)
        elif name == "insert" and scene.may("INSERT"):
            values = insertable(scene, scene.mine)
            told = "INSERT" if blind else _told(scene, values)
            found.add(name, inserting(scene.relation, values) + _returning(scene), told)
        elif name == "delete" and scene.may("DELETE"):
            delete = _delete(scene) if blind else _delete(scene) + _whose(scene, scene.spare) + _returning(scene)
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
    rows = _reading(scene)
    content = sql.SQL(" WHERE position({} in {}) > 0").format(scene.theirs.canary, scene.text)
    yield Plan(how="read by content", twin="read", act=Act(statement=rows + content))
    yield Plan(how="read by key", twin="read", act=Act(statement=rows + _whose(scene, scene.theirs)))
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
    touch, everything = _touch(scene), _constant(scene)
    if scene.relation.readable:
        yield Plan(how="change by key", twin="change", act=Act(statement=touch + _whose(scene, scene.theirs), keep=True))
        own = Act(statement=touch + _whose(scene, scene.mine) + _returning(scene), keep=True)
        yield Plan(how="change one's own, and nobody else's", twin="change", act=own, refusals=OWN)
        yield from _real_changes(scene)
    if scene.is_labelled:
        tenant = sql.SQL(" WHERE {} = {}").format(scene.column, scene.theirs.organization_id)
        yield Plan(how="change by tenant", twin="change", act=Act(statement=touch + tenant + _returning(scene)))
    counted = Act(statement=everything, own_rows=scene.own_rows)
    yield Plan(how="change everything", twin="change", act=counted, refusals=OWN_ONLY)
    for actor in ("nobody", "emptied"):
        unbound = Act(statement=everything, own_rows=0)
        yield Plan(how=f"change without a context ({actor})", twin="change", act=unbound, actor=actor, refusals=CLOSED)
    if scene.relation.kind in WRITABLE and (merge := _merge(scene, sql.SQL("UPDATE SET {c} = t.{c}"))):
        yield Plan(how="change by MERGE", twin="change", act=Act(statement=merge))


def is_movable(relation: Relation, tenant_column: str) -> bool:
    """Whether rows can be put into it at all: inserted, or handed to another tenant."""
    return "INSERT" in relation.privileges or any(c.name == tenant_column and "UPDATE" in c.granted for c in relation.columns)


def moves(scene: Scene) -> Iterator[Plan]:
    """Every way to put a row of one's own among the victim's."""
    labelled = next((c for c in scene.relation.columns if c.name == scene.tenant_column), None)
    if labelled and "UPDATE" in labelled.granted:
        move = sql.SQL("UPDATE {} AS r SET {} = {}").format(scene.name, sql.Identifier(scene.tenant_column), scene.theirs.organization_id)
        if scene.relation.readable:
            yield Plan(
                how="move by key", twin="change", act=Act(alone=True, statement=move + _whose(scene, scene.mine), keep=True), refusals=TAKEN
            )
        yield Plan(how="move everything", twin="change", act=Act(alone=True, statement=move, own_rows=0), refusals=TAKEN)
    if not scene.may("INSERT"):
        return
    given = _insertion(scene, scene.theirs)
    yield Plan(how="insert for the victim", twin="insert", act=Act(alone=True, statement=given, keep=True))
    own = Act(statement=_insertion(scene, scene.mine) + _returning(scene), keep=True)
    yield Plan(how="insert one's own, and nobody else's", twin="insert", act=own, refusals=OWN)
    if repeated := _passing(scene, insertable(scene, scene.mine) | _repeatable(scene)):
        yield Plan(how="insert what the victim has, and take it back", twin="insert", act=repeated, refusals=OWN_CHANGED)
    if scene.may("SELECT"):
        yield Plan(how="insert for the victim and read it back", twin="insert", act=Act(alone=True, statement=given + _returning(scene)))
    for actor in ("nobody", "emptied"):
        yield Plan(
            how=f"insert without a context ({actor})", twin="insert", act=Act(alone=True, statement=given), actor=actor, refusals=CLOSED
        )
    if scene.may("UPDATE") and scene.relation.kind in WRITABLE and scene.relation.key:
        upsert = _insertion(scene, scene.theirs, fresh=False) + _on_conflict(scene)
        yield Plan(how="upsert onto the victim's row", twin="insert", act=Act(alone=True, statement=upsert), refusals=TAKEN)


def deletions(scene: Scene) -> Iterator[Plan]:
    """Every way to delete the victim's row; without a condition only the rows that were reached are counted."""
    if scene.may("TRUNCATE") and scene.relation.kind in WRITABLE:
        truncate = sql.SQL("TRUNCATE {} CASCADE").format(scene.name)
        yield Plan(how="truncate", twin="delete" if scene.may("DELETE") else "read", act=Act(statement=truncate, telling=True))
    if not scene.may("DELETE"):
        return
    delete = _delete(scene)
    if scene.relation.readable:
        yield Plan(how="delete by key", twin="delete", act=Act(statement=delete + _whose(scene, scene.theirs), keep=True))
    if scene.is_labelled:
        tenant = sql.SQL(" WHERE {} = {}").format(scene.column, scene.theirs.organization_id)
        yield Plan(how="delete by tenant", twin="delete", act=Act(statement=delete + tenant))
    if scene.may("INSERT") and (own := _passing(scene, insertable(scene, scene.mine))):
        yield Plan(how="delete one's own, and nobody else's", twin="delete", act=own, refusals=OWN_CHANGED)
    clear = tuple(sql.SQL("DELETE FROM {}").format(named(other)) for other in scene.referring if "DELETE" in other.privileges)
    counted = Act(statement=delete, own_rows=scene.own_rows, before=clear)
    yield Plan(how="delete everything", twin="delete", act=counted, refusals=OWN_ONLY)
    for actor in ("nobody", "emptied"):
        unbound = Act(statement=delete, own_rows=0)
        yield Plan(how=f"delete without a context ({actor})", twin="delete", act=unbound, actor=actor, refusals=CLOSED)
    if scene.relation.kind in WRITABLE and (merge := _merge(scene, sql.SQL("DELETE"))):
        yield Plan(how="delete by MERGE", twin="delete", act=Act(statement=merge))


def contexts(scene: Scene) -> Iterator[Plan]:
    """Read in contexts that are nobody's, and by a plan that was made in the victim's."""
    if not scene.relation.readable:
        return
    rows = _reading(scene)
    for actor in ("wildcard", "prefix", "word"):
        everything = Act(alone=True, statement=rows + sql.SQL(" LIMIT 50"), own_rows=0)
        yield Plan(how=f"read in a context that is nobody's ({actor})", twin="read", act=everything, actor=actor, refusals=CLOSED)
    yield Plan(how="read by a plan of the victim's", twin="read", act=_planned(scene), actor="direct", by="direct")


def _planned(scene: Scene) -> Act:
    """The connection serves the victim first, and keeps its plan; then it serves the attacker."""
    plan = sql.Identifier(f"constat_{scene.relation.oid}")
    content = sql.SQL(" WHERE position({} in {}) > 0").format(scene.theirs.canary, scene.text)
    context = sql.SQL("SELECT set_config({}, {}, true)")
    before = (
        sql.SQL("SET LOCAL plan_cache_mode = force_generic_plan"),
        context.format(scene.setting, scene.theirs.organization_id),
        sql.SQL("PREPARE {} AS ").format(plan) + _reading(scene) + content,
        sql.SQL("EXECUTE {}").format(plan),
        context.format(scene.setting, scene.mine.organization_id),
    )
    return Act(statement=sql.SQL("EXECUTE {}").format(plan), before=before)


def _reading(scene: Scene) -> Composed:
    return sql.SQL("SELECT {} FROM {} AS r").format(scene.shown, scene.name)


def _delete(scene: Scene) -> Composed:
    return sql.SQL("DELETE FROM {} AS r").format(scene.name)


def _returning(scene: Scene) -> Composed:
    return sql.SQL(" RETURNING ") + scene.shown if scene.relation.readable else sql.Composed([])


def _by_error(scene: Scene) -> Iterator[Plan]:
    """A condition that fails on the victim's row alone, and says its value: it must never be tried on it."""
    for column in scene.relation.columns:
        value = scene.theirs.values.get(column.name)
        if column.base in TEXTS and "SELECT" in column.granted and isinstance(value, str) and scene.theirs.canary in value:
            name = sql.Identifier("r", column.name)
            tried = sql.SQL(" WHERE CASE WHEN position({} in {}) > 0 THEN {}::int ELSE 0 END = 1").format(scene.theirs.canary, name, name)
            yield Plan(how="read by error", twin="read", act=Act(statement=_reading(scene) + tried))
            if scene.relation.kind == "view":
                # The cheapest condition there is, and no index that would look for one's own rows first.
                cast = Act(statement=_reading(scene) + sql.SQL(" WHERE {}::int = 1").format(name), before=_BY_SCANNING)
                yield Plan(how=f"read by a cast of {column.name}", twin="read", act=cast, refusals=OWN_ERROR)
            else:
                return


def _whose(scene: Scene, seed: Seed) -> Composed:
    """The condition that finds one row: by its primary key, or by its content where there is none."""
    if not scene.relation.key or not seed.planted or not set(scene.relation.key) <= set(scene.relation.readable):
        return sql.SQL(" WHERE position({} in {}) > 0").format(seed.canary, scene.text)
    return _by_key(scene, seed.values)


def _touch(scene: Scene) -> Composed:
    """Write a row as it is: harmless, and still a change."""
    column = _changeable(scene)
    if column not in scene.relation.readable:
        return _constant(scene)
    return sql.SQL("UPDATE {} AS r SET {} = {}").format(scene.name, sql.Identifier(column), sql.Identifier("r", column))


def _constant(scene: Scene) -> Composed:
    """Write a constant, reading nothing: only the policies for changing apply."""
    column = _changeable(scene)
    value = literal(scene.mine.values.get(column))
    return sql.SQL("UPDATE {} AS r SET {} = {}").format(scene.name, sql.Identifier(column), value)


def _real_changes(scene: Scene) -> Iterator[Plan]:
    """Change what one may of one's own row and change it back, so that a trigger sees a difference and nothing of one's own is left."""
    if not _is_keyed(scene, scene.mine.values):
        return
    others = {name: value for name, value in _others(scene).items() if name in scene.relation.readable}
    texts = {name: value for name, value in others.items() if isinstance(value, str) and MARK in value}
    # Each alone too, for one that is refused would hide what the others do.
    for changed in [texts, *({name: value} for name, value in others.items())]:
        if changed:
            there, back = changing(scene, changed), changing(scene, {name: scene.mine.values.get(name) for name in changed})
            act = Act(statement=back, before=(there,), keep=True)
            yield Plan(how="really change one's own, and nobody else's", twin="change", act=act, refusals=OWN_CHANGED)


def changing(scene: Scene, values: dict[str, Any]) -> Composed:
    """An UPDATE of one's own row to these values."""
    parts = [sql.SQL("{} = {}").format(sql.Identifier(name), literal(value)) for name, value in values.items()]
    return sql.SQL("UPDATE {} AS r SET ").format(named(scene.relation)) + sql.SQL(", ").join(parts) + _whose(scene, scene.mine)


def _others(scene: Scene) -> dict[str, Any]:
    """For each column that one may change and that no key or reference is made of: another value than one's own row has."""
    relation = scene.relation
    taken = {*relation.key, scene.tenant_column, *(name for reference in relation.references for name in reference.columns)}
    found: dict[str, Any] = {}
    for column in relation.columns:
        if "UPDATE" in column.granted and not column.generated and column.name not in taken:
            value, canary = scene.mine.values.get(column.name), new_canary()
            if isinstance(value, str) and column.base in TEXTS and (mark := CANARY.search(value)):
                found[column.name] = value.replace(mark[0], canary)
            elif different := [other for other in candidates(column, canary) if str(other) != str(value)]:
                found[column.name] = different[0]
    return found


def _repeatable(scene: Scene) -> dict[str, Any]:
    """What the victim's row says outside of its keys and references."""
    taken = _bound(scene) | set(scene.relation.key)
    granted = [c.name for c in scene.relation.columns if not c.generated and "INSERT" in c.granted and c.name not in taken]
    return {name: scene.theirs.values[name] for name in granted if scene.theirs.values.get(name) is not None}


def _passing(scene: Scene, values: dict[str, Any]) -> Act | None:
    """Insert a row of one's own and delete it again, and keep what that did to others; None where it could not be taken back."""
    if not scene.may("DELETE") or scene.relation.kind not in WRITABLE or not _is_keyed(scene, values):
        return None
    deleted = _delete(scene) + _by_key(scene, values)
    return Act(statement=deleted, before=(inserting(scene.relation, values),), keep=True)


def _is_keyed(scene: Scene, values: dict[str, Any]) -> bool:
    """Whether the row with these values can be found by its key."""
    key = set(scene.relation.key)
    return bool(key) and key <= set(scene.relation.readable) and all(values.get(name) is not None for name in key)


def _by_key(scene: Scene, values: dict[str, Any]) -> Composed:
    parts = [sql.SQL("{} = {}").format(sql.Identifier("r", name), literal(values[name])) for name in scene.relation.key]
    return sql.SQL(" WHERE ") + sql.SQL(" AND ").join(parts)


def _changeable(scene: Scene) -> str:
    """A column whose change breaks no reference: not of a key, and not the tenant's."""
    relation = scene.relation
    taken = {*relation.unique, *relation.key, scene.tenant_column, *(name for r in relation.references for name in r.columns)}
    granted = [c.name for c in relation.columns if not c.generated and "UPDATE" in c.granted]
    filled = [name for name in granted if scene.mine.values.get(name) is not None]
    best = [name for names in (filled, granted) for name in names if name not in taken]
    return next(iter([*best, *filled, *granted]), scene.tenant_column)


def _merge(scene: Scene, then: sql.SQL) -> Composed | None:
    """A MERGE whose source is the victim's key."""
    keys = [name for name in scene.relation.key if name in scene.relation.readable and scene.theirs.values.get(name) is not None]
    if not keys or len(keys) != len(scene.relation.key):
        return None
    on = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier("t", name), literal(scene.theirs.values[name])) for name in scene.relation.key
    )
    column = sql.Identifier(_changeable(scene))
    return sql.SQL("MERGE INTO {} AS t USING (SELECT 1) AS s ON {} WHEN MATCHED THEN ").format(scene.name, on) + then.format(c=column)


def _on_conflict(scene: Scene) -> Composed:
    column = sql.Identifier(_changeable(scene))
    keys = sql.SQL(", ").join(map(sql.Identifier, scene.relation.key))
    return sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {} = excluded.{}").format(keys, column, column)


def insertable(scene: Scene, whose: Seed, *, fresh: bool = True) -> dict[str, Any]:
    """The values of a new row like a planted one, with a key of its own when `fresh`."""
    if fresh and set(scene.relation.key) <= _bound(scene):
        whose = scene.elsewhere(whose)  # a key of nothing but references is fresh under another parent
    granted = [column for column in scene.relation.columns if not column.generated and "INSERT" in column.granted]
    values = {c.name: whose.values[c.name] for c in granted if whose.values.get(c.name) is not None}
    kept = _bound(scene)
    for column in granted:
        if fresh and column.name in values and column.name not in kept:
            values[column.name] = _fresh(scene, column.name, column.base, values[column.name], column.length)
    return values


def _bound(scene: Scene) -> set[str]:
    """Columns that are not of one's own choice."""
    return {name for reference in scene.relation.references for name in reference.columns} | {scene.tenant_column}


def _insertion(scene: Scene, whose: Seed, *, fresh: bool = True) -> Composed:
    return inserting(scene.relation, insertable(scene, whose, fresh=fresh))


def inserting(relation: Relation, values: dict[str, Any]) -> Composed:
    """An INSERT of these values."""
    names, literals = sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join(map(literal, values.values()))
    return sql.SQL("INSERT INTO {} AS r ({}) VALUES ({})").format(named(relation), names, literals)


def _fresh(scene: Scene, name: str, base: str, value: object, length: int | None) -> object:
    """Another value of the same shape where a unique key may ask for one; the canary stays in it."""
    if isinstance(value, str) and base in TEXTS:
        found = CANARY.search(value)
        return value.replace(found[0], found[0] + secrets.token_hex(3)) if found and length is None else value
    if name not in scene.relation.unique and name not in scene.relation.key:
        return value
    if base == "uuid":
        return new_uuid()
    return secrets.randbelow(2**15) if isinstance(value, int) and not isinstance(value, bool) else value


def literal(value: object) -> sql.Composable:
    """A value as it is written into a statement."""
    return sql.Literal(Jsonb(value) if isinstance(value, dict) else value)
