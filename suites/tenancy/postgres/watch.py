"""What is really there of the tenants, read with full rights: many relations in one look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg import sql

from suites.tenancy.postgres.planting import CANARY, MARK
from suites.tenancy.postgres.seeds import Rendered, identifier, named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection
    from psycopg.sql import Composed

    from constat.observe.relations import Relation
    from suites.tenancy.postgres.seeds import Seed
    from suites.tenancy.postgres.sessions import Row

_TOGETHER: Final = 50  # relations in one statement


@dataclass(frozen=True, kw_only=True)
class Holding:
    """What a relation holds of one tenant: how many rows, their content and every rewrite of it, and the canaries seen."""

    rows: int
    digest: str
    canary: str

    def __str__(self) -> str:
        """As an attempt's oracle says it."""
        return f"{self.canary} {self.rows} rows {self.digest}"


NOTHING: Final = Holding(rows=0, digest="", canary="")


class Watch:
    """The oracle's eyes on the rows of some tenants."""

    def __init__(self, oracle: Connection[Row], tenant_column: str) -> None:
        """Take the column that says whose a row is."""
        self._oracle = oracle
        self._column = tenant_column
        self._prepared: dict[tuple[tuple[int, str], ...], Rendered] = {}

    def holdings(self, seeds: Sequence[Seed]) -> dict[int, Holding]:
        """For each seed's relation, what it holds of the seed's tenant; by the relation's oid.

        A relation without a tenant's column holds the rows in which the seed is recognised.
        """
        found: dict[int, Holding] = {}
        for start in range(0, len(seeds), _TOGETHER):
            looking = sql.SQL("EXECUTE {}").format(self._asked(seeds[start : start + _TOGETHER]))
            for oid, rows, digest, canary in self._oracle.execute(looking).fetchall():
                found[oid] = Holding(rows=rows, digest=digest, canary=canary)
        return found

    def _asked(self, seeds: Sequence[Seed]) -> Rendered:
        """The name of the prepared look at these seeds: the same is asked after each wave, and the oracle keeps its connection."""
        key = tuple((seed.relation.oid, seed.canary) for seed in seeds)
        if key not in self._prepared:
            name = identifier(f"constat_look_{len(self._prepared)}")
            query = sql.SQL(" UNION ALL ").join(self._holding(seed) for seed in seeds)
            self._oracle.execute(sql.SQL("PREPARE {} AS ").format(name) + query)
            self._prepared[key] = name
        return self._prepared[key]

    def _holding(self, seed: Seed) -> Composed:
        seen = sql.SQL("position({} in r::text) > 0").format(seed.canary)
        whose = seen
        if seed.relation.has(self._column):
            whose = sql.SQL("r.{} = {}").format(identifier(self._column), seed.organization_id)
        return sql.SQL(
            "SELECT {}::bigint, count(*), coalesce(md5(string_agg(r::text || r.xmin::text, ',' ORDER BY r::text)), ''),"
            " CASE WHEN bool_or({}) THEN {} ELSE '' END FROM {} AS r WHERE {}"
        ).format(seed.relation.oid, seen, seed.canary, named(seed.relation), whose)

    def shown(self, relation: Relation, organization_id: str, *, setting: str) -> list[str]:
        """The canaries that show through a view, a partition or another copy, in the organization's context or in none."""
        query = sql.SQL("SELECT r::text FROM {} AS r WHERE position({} in r::text) > 0 LIMIT 200").format(named(relation), MARK)
        with self._oracle.transaction():
            self._oracle.execute("SELECT set_config(%s, %s, true)", [setting, organization_id])
            rows = self._oracle.execute(query).fetchall()
        return [canary for (text,) in rows for canary in CANARY.findall(text)]
