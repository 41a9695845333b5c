"""The statements of an attack: how a row of a relation is read, written, inserted and deleted by what is granted."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import Jsonb

from suites.tenancy.postgres.planting import CANARY, MARK, TEXTS, candidates, new_canary, new_uuid
from suites.tenancy.postgres.seeds import WRITABLE, identifier, named
from suites.tenancy.postgres.sessions import Act

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.sql import Composed

    from constat.observe.relations import Relation
    from suites.tenancy.postgres.scenes import Scene
    from suites.tenancy.postgres.seeds import Seed


def reading(scene: Scene) -> Composed:
    """Every column that may be read, of every row."""
    return sql.SQL("SELECT {} FROM {} AS r").format(scene.shown, scene.name)


def deleting(scene: Scene) -> Composed:
    """Every row, deleted."""
    return sql.SQL("DELETE FROM {} AS r").format(scene.name)


def returning(scene: Scene) -> Composed:
    """What is read back of a row that was written; nothing where no column may be read."""
    return sql.SQL(" RETURNING ") + scene.shown if scene.relation.readable else sql.Composed([])


def whose_row(scene: Scene, seed: Seed) -> Composed:
    """The condition that finds one row: by its primary key, or by its content where there is none."""
    if not scene.relation.key or not seed.planted or not set(scene.relation.key) <= set(scene.relation.readable):
        return sql.SQL(" WHERE position({} in {}) > 0").format(seed.canary, scene.text)
    return _by_key(scene, seed.values)


def touching(scene: Scene) -> Composed:
    """Write a row as it is: harmless, and still a change."""
    column = _changeable(scene)
    if column not in scene.relation.readable:
        return writing_a_constant(scene)
    return sql.SQL("UPDATE {} AS r SET {} = {}").format(scene.name, identifier(column), identifier("r", column))


def writing_a_constant(scene: Scene) -> Composed:
    """Write a constant, reading nothing: only the policies for changing apply."""
    column = _changeable(scene)
    value = literal(scene.mine.values.get(column))
    return sql.SQL("UPDATE {} AS r SET {} = {}").format(scene.name, identifier(column), value)


def real_changes(scene: Scene) -> Iterator[Act]:
    """Change what one may of one's own row and change it back, so that a trigger sees a difference and nothing of one's own is left."""
    if not _is_keyed(scene, scene.mine.values):
        return
    others = {name: value for name, value in _others(scene).items() if name in scene.relation.readable}
    texts = {name: value for name, value in others.items() if isinstance(value, str) and MARK in value}
    # Each alone too, for one that is refused would hide what the others do.
    for changed in [texts, *({name: value} for name, value in others.items())]:
        if changed:
            there, back = changing(scene, changed), changing(scene, {name: scene.mine.values.get(name) for name in changed})
            yield Act(statement=back, before=(there,), keep=True)


def changing(scene: Scene, values: dict[str, Any]) -> Composed:
    """An UPDATE of one's own row to these values."""
    parts = [sql.SQL("{} = {}").format(identifier(name), literal(value)) for name, value in values.items()]
    return sql.SQL("UPDATE {} AS r SET ").format(named(scene.relation)) + sql.SQL(", ").join(parts) + whose_row(scene, scene.mine)


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


def repeatable(scene: Scene) -> dict[str, Any]:
    """What the victim's row says outside of its keys and references."""
    taken = _bound(scene) | set(scene.relation.key)
    granted = [c.name for c in scene.relation.columns if not c.generated and "INSERT" in c.granted and c.name not in taken]
    return {name: scene.theirs.values[name] for name in granted if scene.theirs.values.get(name) is not None}


def passing(scene: Scene, values: dict[str, Any]) -> Act | None:
    """Insert a row of one's own and delete it again, and keep what that did to others; None where it could not be taken back."""
    if not scene.may("DELETE") or scene.relation.kind not in WRITABLE or not _is_keyed(scene, values):
        return None
    deleted = deleting(scene) + _by_key(scene, values)
    return Act(statement=deleted, before=(inserting(scene.relation, values),), keep=True)


def _is_keyed(scene: Scene, values: dict[str, Any]) -> bool:
    """Whether the row with these values can be found by its key."""
    key = set(scene.relation.key)
    return bool(key) and key <= set(scene.relation.readable) and all(values.get(name) is not None for name in key)


def _by_key(scene: Scene, values: dict[str, Any]) -> Composed:
    parts = [sql.SQL("{} = {}").format(identifier("r", name), literal(values[name])) for name in scene.relation.key]
    return sql.SQL(" WHERE ") + sql.SQL(" AND ").join(parts)


def _changeable(scene: Scene) -> str:
    """A column whose change breaks no reference: not of a key, and not the tenant's."""
    relation = scene.relation
    taken = {*relation.unique, *relation.key, scene.tenant_column, *(name for r in relation.references for name in r.columns)}
    granted = [c.name for c in relation.columns if not c.generated and "UPDATE" in c.granted]
    filled = [name for name in granted if scene.mine.values.get(name) is not None]
    best = [name for names in (filled, granted) for name in names if name not in taken]
    return next(iter([*best, *filled, *granted]), scene.tenant_column)


def merging(scene: Scene, then: sql.SQL) -> Composed | None:
    """A MERGE whose source is the victim's key."""
    keys = [name for name in scene.relation.key if name in scene.relation.readable and scene.theirs.values.get(name) is not None]
    if not keys or len(keys) != len(scene.relation.key):
        return None
    on = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(identifier("t", name), literal(scene.theirs.values[name])) for name in scene.relation.key
    )
    column = identifier(_changeable(scene))
    return sql.SQL("MERGE INTO {} AS t USING (SELECT 1) AS s ON {} WHEN MATCHED THEN ").format(scene.name, on) + then.format(c=column)


def on_conflict(scene: Scene) -> Composed:
    """What turns an INSERT into a change of the row that is in its way."""
    column = identifier(_changeable(scene))
    keys = sql.SQL(", ").join(map(identifier, scene.relation.key))
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


def insertion(scene: Scene, whose: Seed, *, fresh: bool = True) -> Composed:
    """An INSERT of a new row like a planted one."""
    return inserting(scene.relation, insertable(scene, whose, fresh=fresh))


def inserting(relation: Relation, values: dict[str, Any]) -> Composed:
    """An INSERT of these values."""
    names, literals = sql.SQL(", ").join(map(identifier, values)), sql.SQL(", ").join(map(literal, values.values()))
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
