"""The scene of an attack: one relation, whose rows are in it, and a forbidden act with its permitted twin."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from suites.tenancy.postgres.seeds import Rendered, identifier, named
from suites.tenancy.postgres.sessions import Act

if TYPE_CHECKING:
    from psycopg.sql import Composed

    from constat.observe.relations import Relation
    from suites.tenancy.postgres.seeds import Seed

# 42501: no privilege, or row level security refuses the new row.
DENIED: Final = frozenset({"zero rows", "sqlstate 42501"})


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
        return named(self.relation)

    @property
    def column(self) -> Rendered:
        """The column that says whose a row is."""
        return identifier("r", self.tenant_column)

    @property
    def is_labelled(self) -> bool:
        """Whether the attacker can read whose a row is."""
        return self.tenant_column in self.relation.readable

    @functools.cached_property
    def shown(self) -> Rendered:
        """The columns that the attacker may read."""
        return Rendered(sql.SQL(", ").join(identifier("r", name) for name in self.relation.readable))

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
