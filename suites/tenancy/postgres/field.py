"""The field of one run: what was found and seeded, who attacks, and who watches."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from constat import deadlines, wait
from constat.errors import Unobservable
from constat.observe.relations import Relation, in_reference_order, relations
from constat.target import LoginKind
from suites.tenancy.postgres.found import Fingerprint, fingerprint
from suites.tenancy.postgres.scenes import Scene
from suites.tenancy.postgres.seeder import Seeder
from suites.tenancy.postgres.seeds import WRITABLE, recognising
from suites.tenancy.postgres.sessions import Act, Attacker, connect
from suites.tenancy.postgres.watch import NOTHING, Holding, Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from constat.stack import Postgres, Stack, Vault
    from constat.target import Target
    from suites.tenancy.postgres.seeds import Seed


@dataclass(frozen=True, kw_only=True)
class Field:
    """Everything that the attacks of one run share."""

    database: Postgres
    vault: Vault | None  # that issues logins
    target: Target
    login: str
    oracle: Connection[Any]
    known: tuple[Relation, ...]
    seeder: Seeder
    watch: Watch
    actors: dict[str, Attacker]
    pair: tuple[str, str]
    organizations: dict[str, str]
    disposable: bool
    order: dict[int, tuple[int, Relation]]
    referrers: dict[int, list[int]]
    found: Fingerprint  # before anything was planted
    _sources: dict[int, Relation | None] = field(default_factory=dict)

    @property
    def reachable(self) -> tuple[Relation, ...]:
        """The relations that the application may do anything with."""
        return tuple(relation for relation in self.known if relation.privileges)

    @property
    def mine(self) -> str:
        """The attacker's organization."""
        return self.organizations[self.pair[0]]

    @property
    def theirs(self) -> str:
        """The victim's organization."""
        return self.organizations[self.pair[1]]

    def left(self) -> Fingerprint:
        """Take everything away, and say what the database is like then; what comes next finds nothing planted."""
        clear(self.oracle, self.seeder, disposable=self.disposable)
        return fingerprint(self.oracle, self.known, self.database.tenant_column, list(self.organizations.values()))

    def victims(self) -> list[Seed]:
        """The victim's seeds, one a relation."""
        return [seed for (_, tenant), seed in self.seeder.seeds.items() if tenant == self.pair[1]]

    def holdings(self) -> dict[int, Holding]:
        """What every seeded relation really holds of the victim."""
        return self.watch.holdings(self.victims())

    def require_context(self) -> None:
        """Unobservable unless the attacker sees something of its own in its own context, on each of its paths.

        Where the context does not take effect nothing is seen of anybody, and every refusal would be hollow.
        """
        own = [seed for (_, tenant), seed in self.seeder.seeds.items() if tenant == self.pair[0] and "SELECT" in seed.relation.privileges]
        for path in ("tenant", "direct", "replica"):
            if not any(_sees(self.actors[path], seed) for seed in own):
                msg = (
                    f"with {self.database.context_setting!r} set to its own organization the attacker ({path}) sees none of "
                    f"{len(own)} rows of its own: a refusal would prove nothing"
                )
                raise Unobservable(msg)

    def scenes(self, touched: tuple[Relation, ...]) -> dict[int, Scene | str]:
        """What is needed to attack each relation, or why it cannot be."""
        own = self.watch.holdings([seed for (_, tenant), seed in self.seeder.seeds.items() if tenant == self.pair[0]])
        return {relation.oid: self._scene(relation, own) for relation in touched}

    def _scene(self, relation: Relation, own: dict[int, Holding]) -> Scene | str:
        source = self._source(relation)
        if source is None:
            return self.seeder.problems.get(relation.oid) or self._unseen(relation)
        mine, theirs = self.pair
        return Scene(
            relation=relation,
            tenant_column=self.database.tenant_column,
            setting=self.database.context_setting,
            mine=self.seeder.seeds[source.oid, mine],
            spare=self.seeder.spare[source.oid, mine],
            theirs=self.seeder.seeds[source.oid, theirs],
            own_rows=own.get(source.oid, NOTHING).rows,
            alternates={name: self._alternate(source, name) for name in self.pair},
            referring=self._referring(source),
        )

    def _alternate(self, relation: Relation, tenant: str) -> dict[str, Any]:
        """The last reference that could be another row's of the same tenant."""
        for reference in reversed(relation.references):
            spare = self.seeder.spare.get((reference.relation, tenant))
            if spare is not None and spare.planted:
                return dict(zip(reference.columns, (spare.values[name] for name in reference.referenced), strict=True))
        return {}

    def _source(self, relation: Relation) -> Relation | None:
        """The seeded relation that the relation is, is a part of, or whose planted rows the oracle sees through it."""
        if relation.oid not in self._sources:
            self._sources[relation.oid] = relation if self._is_seeded(relation) else self._shown_by(relation)
        return self._sources[relation.oid]

    def _is_seeded(self, relation: Relation) -> bool:
        return all((relation.oid, tenant) in self.seeder.spare for tenant in self.pair)

    def _shown_by(self, relation: Relation) -> Relation | None:
        """Through a view of several, the first that shows: all of them hold the same tenants' canaries."""
        shown = self.watch.shown(relation, self.theirs, setting=self.database.context_setting)
        by_canary = {seed.canary: seed.relation for seed in self.victims() if self._is_seeded(seed.relation)}
        return next((by_canary[canary] for canary in shown if canary in by_canary), None)

    def _unseen(self, relation: Relation) -> str:
        if relation.has(self.database.tenant_column) or relation.kind not in WRITABLE:
            return "no planted row is visible through it, even in the victim's own context"
        why = f"it has no column {self.database.tenant_column!r} and refers to nobody's rows, so nobody can say whose a row is"
        return f"{why}; declare it in [isolation.shared] or take the grant away"

    def _referring(self, relation: Relation) -> tuple[Relation, ...]:
        """What refers to it, directly or not, so that it can be cleared first in a transaction that is rolled back."""
        reached, waiting = {relation.oid}, [relation.oid]
        while waiting:
            further = [oid for oid in self.referrers.get(waiting.pop(), ()) if oid not in reached]
            reached.update(further)
            waiting += further
        others = [self.order[oid] for oid in reached - {relation.oid}]
        return tuple(other for _, other in sorted(others, key=lambda place: -place[0]) if other.kind in WRITABLE and other.privileges)


def _sees(actor: Attacker, seed: Seed) -> bool:
    return actor.act(Act(statement=recognising(seed))).shows(seed.canary)


def references(known: tuple[Relation, ...]) -> tuple[dict[int, tuple[int, Relation]], dict[int, list[int]]]:
    """Each relation with its place in the order of references, and who refers to each."""
    order = {relation.oid: (place, relation) for place, relation in enumerate(in_reference_order(known))}
    referrers: dict[int, list[int]] = {}
    for relation in known:
        for reference in relation.references:
            referrers.setdefault(reference.relation, []).append(relation.oid)
    return order, referrers


@contextlib.contextmanager
def opened(stack: Stack, target: Target, pair: tuple[str, str]) -> Iterator[Field]:
    """Log everybody in, seed what can be seeded, and leave the database as it was found."""
    if stack.postgres is None:
        msg = "the stack has no database"
        raise Unobservable(msg)
    database = stack.postgres
    # The victim's rows are planted first, so that whoever reads in their order meets them first.
    organizations = {name: stack.tenants[name].organization_id for name in reversed(pair)}
    with contextlib.ExitStack() as open_connections:
        oracle = open_connections.enter_context(connect(database.admin_dsn))
        application = open_connections.enter_context(connect(database.pooler_dsn))
        direct = open_connections.enter_context(connect(database.app_dsn))
        replica = open_connections.enter_context(connect(database.replica_dsn))
        login = attacker_login(application, target)
        known = relations(oracle, login)
        seeder = Seeder(oracle, tenant_column=database.tenant_column, setting=database.context_setting, organizations=organizations)
        seeder.survey(known)
        try:
            clear(oracle, seeder, disposable=stack.disposable)  # what a run that was killed may have left behind
            before = fingerprint(oracle, known, database.tenant_column, list(organizations.values()))
            seeder.plant(known)
            refresh(oracle, disposable=stack.disposable)
            order, referrers = references(known)
            await_replicas(oracle)
            yield Field(
                database=database,
                vault=stack.vault,
                target=target,
                login=login,
                oracle=oracle,
                known=known,
                seeder=seeder,
                watch=Watch(oracle, database.tenant_column),
                actors=_actors(application, database, organizations, pair) | _others(direct, replica, database, organizations[pair[0]]),
                pair=pair,
                organizations=organizations,
                disposable=stack.disposable,
                order=order,
                referrers=referrers,
                found=before,
            )
        except psycopg.Error as problem:
            msg = f"the database cannot be prepared for the attack: {problem}"
            raise Unobservable(msg) from None
        finally:
            clear(oracle, seeder, disposable=stack.disposable)


def clear(oracle: Connection[Any], seeder: Seeder, *, disposable: bool) -> None:
    """Take every planted row away, out of the copies too."""
    seeder.remove()
    refresh(oracle, disposable=disposable)


def refresh(oracle: Connection[Any], *, disposable: bool) -> None:
    """Let materialized views show what is there now; only where the platform may be disturbed, for readers wait meanwhile."""
    if disposable:
        for schema, name in oracle.execute("SELECT schemaname, matviewname FROM pg_matviews WHERE ispopulated").fetchall():
            oracle.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(sql.Identifier(schema, name)))


def _actors(application: Connection[Any], database: Postgres, organizations: dict[str, str], pair: tuple[str, str]) -> dict[str, Attacker]:
    setting = database.context_setting
    return {
        "tenant": Attacker(application, setting, organizations[pair[0]]),
        "nobody": Attacker(application, setting, None),
        "emptied": Attacker(application, setting, ""),
        "victim": Attacker(application, setting, organizations[pair[1]]),
    }


def _others(direct: Connection[Any], replica: Connection[Any], database: Postgres, mine: str) -> dict[str, Attacker]:
    """The same login on its other paths, and the contexts that are nobody's."""
    setting = database.context_setting
    strange = {"wildcard": "%", "prefix": mine[:8], "word": "null"}
    return {
        "direct": Attacker(direct, setting, mine),
        "replica": Attacker(replica, setting, mine),
        **{name: Attacker(direct, setting, context) for name, context in strange.items()},
    }


def await_replicas(oracle: Connection[Any]) -> None:
    """Wait until every standby shows what was planted; NotReady when one does not in time."""
    place = oracle.execute("SELECT pg_current_wal_lsn()").fetchone()
    behind = "SELECT application_name FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn < %s"
    wait.until(
        lambda: oracle.execute(behind, place).fetchall(),
        what="the standbys have replayed what was planted",
        within=deadlines.REPLICA_CAUGHT_UP,
        every=0.02,
        holds=lambda late: not late,
    )


def attacker_login(application: Connection[Any], target: Target) -> str:
    """Who the attacker really is; Unobservable unless the target declares that login as tenant-bound.

    An attacker with an operator's login proves nothing about tenants.
    """
    row = application.execute("SELECT session_user").fetchone()
    login = str(row[0]) if row else ""
    declared = target.isolation.logins.get(login)
    if declared is None or declared.kind is not LoginKind.TENANT_BOUND:
        msg = f"the harness's attacker is {login!r}, which the target does not declare as tenant-bound: nothing would be proven"
        raise Unobservable(msg)
    return login
