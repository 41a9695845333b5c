"""Plant a row with a canary for each tenant in every relation that can hold one.

Generally: constraints, references, generated columns, partitions, domains and defaults are
read from the catalogs, and where a value is refused, the refusal says which column to try
another value for.  What cannot be seeded is said, with the reason, and becomes a finding.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from constat.observe.relations import in_reference_order
from suites.tenancy.postgres.literals import as_taken
from suites.tenancy.postgres.planting import MARK, candidates, guesses, new_canary, tellings
from suites.tenancy.postgres.seeds import (
    WRITABLE,
    Seed,
    Unseedable,
    as_values,
    blamed,
    identifier,
    insertion,
    is_asked,
    named,
    owned_by_tenants,
)

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composed

    from constat.observe.relations import Column, ForeignKey, Relation
    from suites.tenancy.postgres.sessions import Row

TRIES: Final = 24  # values refused by one relation before it is given up
_PLANTED_TOGETHER: Final = 50  # rows in one transaction
_REMOVED_TOGETHER: Final = 100  # relations in one statement


class Seeder:
    """Plants rows as the oracle, and takes every one of them away again."""

    def __init__(self, oracle: Connection[Row], *, tenant_column: str, setting: str, organizations: dict[str, str]) -> None:
        """Take the tenants: name → organization id."""
        self._oracle = oracle
        self._column = tenant_column
        self._setting = setting
        self._organizations = organizations
        self._by_oid: dict[int, Relation] = {}
        self._choice: dict[int, Counter[str]] = {}  # which candidate each column of a relation takes
        self._lookups: dict[int, dict[str, Any]] = {}
        self._guessed: dict[str, tuple[str, ...]] = {}  # values of unusual types, by the type
        self.seeds: dict[tuple[int, str], Seed] = {}
        self.spare: dict[tuple[int, str], Seed] = {}
        self.problems: dict[int, str] = {}

    def plant(self, relations: tuple[Relation, ...]) -> None:
        """Plant two rows for each tenant in each relation: one to be recognised, one to be given up."""
        self._by_oid = {relation.oid: relation for relation in relations}
        owned = owned_by_tenants(relations, self._column)
        for relation in in_reference_order(relations):
            if relation.oid in owned:
                self._plant_in(relation)

    def plant_more(self, tenant: str) -> int:
        """Plant another row for the tenant wherever one was planted; how many that were."""
        waiting = [self._by_oid[oid] for (oid, name), seed in self.seeds.items() if name == tenant and seed.planted]
        bundles = [waiting[start : start + _PLANTED_TOGETHER] for start in range(0, len(waiting), _PLANTED_TOGETHER)]
        return sum(self._plant_together(bundle, tenant) for bundle in bundles)

    def _plant_together(self, relations: list[Relation], tenant: str) -> int:
        """A row in each, in one transaction and one round trip; where any is refused, each alone, with other values; how many that were."""
        organization_id = self._organizations[tenant]
        rows = [self._values(relation, organization_id, new_canary(), self._choice[relation.oid]) for relation in relations]
        inserts = [insertion(relation, values) for relation, values in zip(relations, rows, strict=True)]
        entering = sql.SQL("BEGIN; SELECT set_config({}, {}, true)").format(self._setting, organization_id)
        try:
            cursor = self._oracle.execute(sql.SQL("; ").join([entering, *inserts, sql.SQL("COMMIT")]))
        except psycopg.errors.DatabaseError:
            self._oracle.execute("ROLLBACK")
            return len([self._seed(relation, tenant, organization_id) for relation in relations])
        cursor.nextset()
        return sum(cursor.rowcount for _ in inserts if cursor.nextset())

    def remove(self) -> None:
        """Take away every row with the mark, wherever an attack may have moved it, and what it may have left behind."""
        holding = [relation for relation in self._by_oid.values() if relation.kind in WRITABLE and not relation.is_partition]
        with self._oracle.transaction():
            # No trigger answers, and the order of the relations does not matter.
            self._oracle.execute("SET LOCAL session_replication_role = replica")
            for start in range(0, len(holding), _REMOVED_TOGETHER):
                statements = [self._removal(relation) for relation in holding[start : start + _REMOVED_TOGETHER]]
                self._oracle.execute(sql.SQL("; ").join(statements))
            for seed in (*self.seeds.values(), *self.spare.values()):
                if seed.planted and MARK not in seed.canary:
                    self._oracle.execute(*self._removal_of(seed))
        self.seeds.clear()
        self.spare.clear()

    def survey(self, relations: tuple[Relation, ...]) -> None:
        """Learn what there is, so that what an earlier run left behind can be removed."""
        self._by_oid = {relation.oid: relation for relation in relations}

    def _removal(self, relation: Relation) -> Composed:
        marked = sql.SQL("DELETE FROM {} AS r WHERE position({} in r::text) > 0").format(named(relation), MARK)
        if not relation.has(self._column):
            return marked
        column, organizations = identifier(self._column), list(self._organizations.values())
        return marked + sql.SQL(" AND (r.{}::text = ANY ({}) OR r.{} IS NULL)").format(column, organizations, column)

    def _removal_of(self, seed: Seed) -> tuple[Composed, list[Any]]:
        """A row without a mark is known by all of its values."""
        same = [sql.SQL("r.{}::text IS NOT DISTINCT FROM %s::text").format(identifier(name)) for name in seed.values]
        query = sql.SQL("DELETE FROM {} AS r WHERE ").format(named(seed.relation)) + sql.SQL(" AND ").join(same)
        return query, list(seed.values.values())

    def _plant_in(self, relation: Relation) -> None:
        for tenant, organization_id in self._organizations.items():
            try:
                self.seeds[relation.oid, tenant] = self._seed(relation, tenant, organization_id)
                self.spare[relation.oid, tenant] = self._seed(relation, tenant, organization_id)
            except Unseedable as problem:
                self.problems[relation.oid] = str(problem)

    def _seed(self, relation: Relation, tenant: str, organization_id: str) -> Seed:
        """Try values until the row is taken; raises Unseedable with the last refusal."""
        choice, refusal = self._choice.setdefault(relation.oid, Counter()), ""
        for _ in range(TRIES):
            canary = new_canary()
            values = self._values(relation, organization_id, canary, choice)
            try:
                stored = self._insert(relation, organization_id, values)
            except psycopg.errors.DatabaseError as problem:
                refusal = str(problem.diag.message_primary)
                taken = isinstance(problem, psycopg.errors.UniqueViolation)
                if not (taken and not self._is_free(relation, problem)) and self._advance(relation, choice, problem, canary):
                    continue
                if taken:
                    return self._existing(relation, tenant, organization_id)
                break
            else:
                return self._recognised(relation, tenant, organization_id, stored, canary)
        raise Unseedable(refusal)

    def _recognised(self, relation: Relation, tenant: str, organization_id: str, stored: dict[str, Any], canary: str) -> Seed:
        telling = tellings(relation, self._column, stored, canary)
        if not telling:
            msg = "nothing in a row of it can be recognised: it has no text, no id and no reference of its own"
            raise Unseedable(msg)
        return Seed(relation=relation, tenant=tenant, organization_id=organization_id, canary=telling, values=stored, planted=True)

    def _is_free(self, relation: Relation, problem: psycopg.errors.DatabaseError) -> bool:
        """Whether the unique key that was hit has a column of one's own choice, which another draw changes."""
        columns = dict(relation.checks).get(str(problem.diag.constraint_name), ())
        bound = {self._column, *(name for reference in relation.references for name in reference.columns)}
        return bool(set(columns) - bound)

    def _existing(self, relation: Relation, tenant: str, organization_id: str) -> Seed:
        """Let a row that the tenant has already serve: a relation with one row a tenant takes no second."""
        row = self._row_of(relation, organization_id)
        if row is None:
            msg = "a unique key refuses another row, and the tenant has none"
            raise Unseedable(msg)
        telling = tellings(relation, self._column, row, MARK) or organization_id
        return Seed(relation=relation, tenant=tenant, organization_id=organization_id, canary=telling, values=row, planted=False)

    def _values(self, relation: Relation, organization_id: str, canary: str, choice: Counter[str]) -> dict[str, Any]:
        values: dict[str, Any] = {self._column: organization_id} if relation.has(self._column) else {}
        for reference in relation.references:
            values |= self._referenced(reference, relation, organization_id, values)
        for column in relation.columns:
            if column.name in values or column.generated or not (is_asked(relation, column) or column.name in choice):
                continue
            known = self._candidates(column, canary)
            if known:
                values[column.name] = known[min(choice[column.name], len(known) - 1)]
            elif column.not_null and not column.has_default:
                msg = f"nobody knows a value for column {column.name!r} of type {column.type!r}"
                raise Unseedable(msg)
        return values

    def _candidates(self, column: Column, canary: str) -> tuple[Any, ...]:
        """What is known of the column's type, else what the server takes for a value of it."""
        if known := candidates(column, canary):
            return known
        if column.type not in self._guessed:
            taken = (as_taken(self._oracle, guess, column.type) for guess in guesses(column.type))
            self._guessed[column.type] = tuple(dict.fromkeys(value for value in taken if value is not None))
        return self._guessed[column.type]

    def _advance(self, relation: Relation, choice: Counter[str], problem: psycopg.errors.DatabaseError, canary: str) -> bool:
        """Take the next value for the columns that were refused; False when there is no other."""
        moved = False
        for column in blamed(relation, problem):
            step = 1 if column.name in choice or is_asked(relation, column) else 0
            if choice[column.name] + step < len(self._candidates(column, canary)):
                choice[column.name] += step
                moved = True
        return moved

    def _referenced(self, reference: ForeignKey, relation: Relation, organization_id: str, known: dict[str, Any]) -> dict[str, Any]:
        """The columns of a reference, taken from a row of the same tenant where the target has one."""
        if set(reference.columns) <= set(known):
            return {}
        target = self._by_oid.get(reference.relation)
        row = self._referable(target, organization_id) if target else None
        if row is not None:
            return dict(zip(reference.columns, (row[name] for name in reference.referenced), strict=True))
        if any(column.not_null for column in relation.columns if column.name in reference.columns and column.name not in known):
            msg = f"it refers to {target or 'a relation out of reach'}, where the tenant has no row"
            raise Unseedable(msg)
        return {}

    def _referable(self, target: Relation, organization_id: str) -> dict[str, Any] | None:
        for tenant, own in self._organizations.items():
            if own == organization_id and (target.oid, tenant) in self.seeds:
                return self.seeds[target.oid, tenant].values
        found = self._row_of(target, organization_id)
        return self._lookup(target) if found is None and not target.has(self._column) else found

    def _lookup(self, target: Relation) -> dict[str, Any] | None:
        """A row of a table that is nobody's and empty, planted once for all."""
        if target.oid not in self._lookups and target.kind in WRITABLE:
            self._lookups[target.oid] = self._seed(target, "", "").values
        return self._lookups.get(target.oid)

    def _row_of(self, relation: Relation, organization_id: str) -> dict[str, Any] | None:
        query, parameters = sql.SQL("SELECT * FROM {}").format(named(relation)), []
        if relation.has(self._column):
            query += sql.SQL(" WHERE {}::text = %s").format(identifier(self._column))
            parameters = [organization_id]
        row = self._oracle.execute(query + sql.SQL(" LIMIT 1"), parameters).fetchone()
        return None if row is None else as_values(relation, row)

    def _insert(self, relation: Relation, organization_id: str, values: dict[str, Any]) -> dict[str, Any]:
        """Insert as the tenant's own service would, in its context and in one round trip; the row as it was stored."""
        query = sql.SQL("BEGIN; SELECT set_config({}, {}, true); {} RETURNING *; COMMIT").format(
            self._setting, organization_id, insertion(relation, values)
        )
        try:
            cursor = self._oracle.execute(query)
            cursor.nextset()
            cursor.nextset()
            row = cursor.fetchone()
        finally:
            if self._oracle.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self._oracle.execute("ROLLBACK")
        if row is None:
            msg = "what is inserted is not stored: a trigger or rule takes it away"
            raise Unseedable(msg)
        return as_values(relation, row)
