"""What an application login could do to a neighbour's rows: each act with its permitted twin."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from constat.attempt import Answer, Attempt
from suites.tenancy.postgres.seeder import WRITABLE, Seed, Seeder, named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg.sql import Composed

    from constat.observe.relations import Relation
    from suites.tenancy.postgres.sessions import Attacker

# 42501: no privilege, or row level security refuses the new row.
DENIED: Final = frozenset({"zero rows", "sqlstate 42501"})
OWN_ONLY: Final = DENIED | {"own rows only"}
# Without a context: no rows, or an error about the context itself.
CLOSED: Final = DENIED | {"sqlstate 22P02", "sqlstate 42704"}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One relation, the attacker's and the victim's rows in it, and everybody's ways in."""

    relation: Relation
    tenant_column: str
    mine: Seed
    spare: Seed
    theirs: Seed
    attacker: Attacker
    nobody: Attacker
    seeder: Seeder
    referring: tuple[Relation, ...]  # what refers to it, the farthest first

    @property
    def column(self) -> sql.Identifier:
        """The column that says whose a row is."""
        return sql.Identifier(self.tenant_column)

    def attempt(
        self, how: str, *, twin: Callable[[], Answer], act: Callable[[], Answer], refusals: frozenset[str] = DENIED, canary: str = ""
    ) -> Attempt:
        """An act against the victim's row in this relation."""
        return Attempt(
            subject=f"{self.relation}: {how}",
            own_canary=canary or self.mine.canary,
            foreign_canaries=(self.theirs.canary,),
            refusals=refusals,
            permitted=twin,
            forbidden=act,
            oracle=lambda: self.seeder.state_of(self.relation, self.theirs.organization_id),
            reproduction=f"-- as the application, in the context of {self.mine.tenant}: {how} of {self.relation}",
        )


def reads(scene: Scene) -> Iterator[Attempt]:
    """Every way to see the victim's row."""
    rows, where = sql.SQL("SELECT r.* FROM {} AS r ").format(named(scene.relation)), _whose(scene, scene.theirs)
    other = sql.SQL("WHERE r.{} IS DISTINCT FROM {}").format(scene.column, scene.mine.organization_id)

    def twin() -> Answer:
        return scene.attacker.act(rows + sql.SQL("WHERE position({} in r::text) > 0").format(scene.mine.canary), keep=False)

    for how, condition in (
        ("read by key", where),
        ("read by tenant", sql.SQL("WHERE r.{} = {}").format(scene.column, scene.theirs.organization_id)),
        ("read all others", other),
        ("read by content", sql.SQL("WHERE position({} in r::text) > 0").format(scene.theirs.canary)),
    ):
        yield scene.attempt(how, twin=twin, act=lambda c=condition: scene.attacker.act(rows + c, keep=False))  # type: ignore[misc]
    yield scene.attempt("read by copy", twin=twin, act=lambda: _only_foreign(scene.attacker.copy(rows + other)))
    yield scene.attempt("read without a context", twin=twin, act=lambda: scene.nobody.act(rows, keep=False, own_rows=0), refusals=CLOSED)
    if scene.relation.kind in WRITABLE and "UPDATE" in scene.relation.privileges:
        lock = sql.SQL(" FOR UPDATE")
        yield scene.attempt("lock", twin=twin, act=lambda: scene.attacker.act(rows + where + lock, keep=False))


def changes(scene: Scene) -> Iterator[Attempt]:
    """Every way to change the victim's row; without a condition only the rows that were reached are counted."""
    name = _changeable(scene)
    same, value = _touch(scene), _literal(scene.mine.values[name])
    constant = sql.SQL("UPDATE {} AS r SET {} = {}").format(named(scene.relation), sql.Identifier(name), value)

    def twin() -> Answer:
        return scene.attacker.act(same + _whose(scene, scene.mine) + sql.SQL(" RETURNING r.*"))

    yield scene.attempt("change by key", twin=twin, act=lambda: scene.attacker.act(same + _whose(scene, scene.theirs)))
    tenant = sql.SQL("WHERE r.{} = {}").format(scene.column, scene.theirs.organization_id)
    yield scene.attempt("change by tenant", twin=twin, act=lambda: scene.attacker.act(same + tenant + sql.SQL(" RETURNING r.*")))
    yield scene.attempt("change everything", twin=twin, act=lambda: _counted(scene, constant), refusals=OWN_ONLY)
    yield scene.attempt(
        "change without a context", twin=twin, act=lambda: scene.nobody.act(constant, keep=False, own_rows=0), refusals=CLOSED
    )


def moves(scene: Scene) -> Iterator[Attempt]:
    """Every way to put a row of one's own among the victim's."""
    move = sql.SQL("UPDATE {} AS r SET {} = {} ").format(named(scene.relation), scene.column, scene.theirs.organization_id)
    if "UPDATE" in scene.relation.privileges:

        def twin() -> Answer:
            return scene.attacker.act(_touch(scene) + _whose(scene, scene.mine) + sql.SQL(" RETURNING r.*"))

        yield scene.attempt("move by key", twin=twin, act=lambda: scene.attacker.act(move + _whose(scene, scene.mine)))
        yield scene.attempt("move everything", twin=twin, act=lambda: scene.attacker.act(move, keep=False, own_rows=0))
    if "INSERT" in scene.relation.privileges:
        yield scene.attempt(
            "insert for the victim",
            twin=lambda: scene.attacker.act(_insertion(scene, scene.mine, returning=True), keep=False),
            act=lambda: scene.attacker.act(_insertion(scene, scene.theirs)),
        )
        yield scene.attempt(
            "insert without a context",
            twin=lambda: scene.attacker.act(_insertion(scene, scene.mine, returning=True), keep=False),
            act=lambda: scene.nobody.act(_insertion(scene, scene.theirs)),
            refusals=CLOSED,
        )


def deletions(scene: Scene) -> Iterator[Attempt]:
    """Every way to delete the victim's row; without a condition only the rows that were reached are counted."""
    delete = sql.SQL("DELETE FROM {} AS r ").format(named(scene.relation))

    def twin() -> Answer:
        return scene.attacker.act(delete + _whose(scene, scene.spare) + sql.SQL(" RETURNING r.*"), keep=False)

    own = scene.spare.canary
    tenant = sql.SQL("WHERE r.{} = {}").format(scene.column, scene.theirs.organization_id)
    key = _whose(scene, scene.theirs)
    yield scene.attempt("delete by key", twin=twin, canary=own, act=lambda: scene.attacker.act(delete + key))
    yield scene.attempt("delete by tenant", twin=twin, canary=own, act=lambda: scene.attacker.act(delete + tenant, keep=False))
    yield scene.attempt("delete everything", twin=twin, canary=own, act=lambda: _counted(scene, delete), refusals=OWN_ONLY)
    yield scene.attempt(
        "delete without a context", twin=twin, canary=own, act=lambda: scene.nobody.act(delete, keep=False, own_rows=0), refusals=CLOSED
    )


def _whose(scene: Scene, seed: Seed) -> Composed:
    """The condition that finds one row: by its primary key, or by its content where there is none."""
    if not scene.relation.key or not seed.planted:
        return sql.SQL("WHERE position({} in r::text) > 0").format(seed.canary)
    parts = [sql.SQL("r.{} = {}").format(sql.Identifier(name), seed.values[name]) for name in scene.relation.key]
    return sql.SQL("WHERE ") + sql.SQL(" AND ").join(parts)


def _touch(scene: Scene) -> Composed:
    """Write a row as it is: harmless, and still a change."""
    column = sql.Identifier(_changeable(scene))
    return sql.SQL("UPDATE {} AS r SET {} = r.{} ").format(named(scene.relation), column, column)


def _changeable(scene: Scene) -> str:
    """A column whose change breaks no reference: not of a key, and not the tenant's."""
    taken = {
        *scene.relation.unique,
        *scene.relation.key,
        scene.tenant_column,
        *(name for r in scene.relation.references for name in r.columns),
    }
    free = [c.name for c in scene.relation.columns if c.name not in taken and not c.generated and scene.mine.values.get(c.name) is not None]
    return free[0] if free else scene.tenant_column


def _counted(scene: Scene, statement: Composed) -> Answer:
    """Carry out a statement without a condition, roll it back, and compare what it reached with what is one's own."""
    clear = tuple(sql.SQL("DELETE FROM {}").format(named(relation)) for relation in scene.referring if "DELETE" in relation.privileges)
    own = scene.seeder.rows_of(scene.relation, scene.mine.organization_id)
    return scene.attacker.act(statement, keep=False, before=clear, own_rows=own)


def _insertion(scene: Scene, whose: Seed, *, returning: bool = False) -> Composed:
    """A new row like the planted one, with a key of its own."""
    values = {c.name: whose.values[c.name] for c in scene.relation.columns if not c.generated and whose.values.get(c.name) is not None}
    referring = {name for reference in scene.relation.references for name in reference.columns} | {scene.tenant_column}
    for column in scene.relation.columns:
        if column.name in values and column.name in scene.relation.key and column.name not in referring:
            values[column.name] = _fresh(column.base, values[column.name])
        elif isinstance(values.get(column.name), str) and whose.canary in values[column.name] and scene.relation.key:
            values[column.name] = values[column.name] + "n"
    names, literals = sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join(map(_literal, values.values()))
    tail = sql.SQL(" RETURNING *") if returning else sql.SQL("")
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(named(scene.relation), names, literals) + tail


def _fresh(base: str, value: object) -> object:
    if base == "uuid":
        return uuid.uuid4()
    return secrets.randbelow(2**30) if isinstance(value, int) else f"{value}{secrets.token_hex(3)}"


def _literal(value: object) -> sql.Composable:
    return sql.Literal(Jsonb(value) if isinstance(value, dict) else value)


def _only_foreign(answer: Answer) -> Answer:
    """A copy of what is not one's own: nothing at all is the refusal."""
    return Answer(kind="zero rows") if answer.kind == "ok" and not answer.shown else answer
