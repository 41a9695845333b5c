"""What the application's login can become, make and change; and who else may do as much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from constat.judgement import Judgement, coverage
from constat.outcome import Outcome
from constat.target import LoginKind
from suites.tenancy.postgres.seeds import WRITABLE, named, recognising
from suites.tenancy.postgres.sessions import Act

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.sql import Composed

    from constat.observe.relations import Relation
    from suites.tenancy.postgres.field import Field
    from suites.tenancy.postgres.sessions import Attacker

DENIED: Final = frozenset({"sqlstate 42501"})
# 42710: a trigger of that name; 42809: not that kind of relation; 0A000: not on this kind; 42P16: the same.
_OTHERWISE: Final = DENIED | {"sqlstate 42809", "sqlstate 0A000", "sqlstate 42P16"}
TOGETHER: Final = 50
_ROLES: Final = "SELECT rolname::text FROM pg_roles WHERE rolname <> %s AND rolname !~ '^pg_' ORDER BY 1"
# What each other login may do that the attacked one may not: counted over everything that has a grant.
_MORE: Final = """
SELECT r.rolname::text AS login,
       array_remove(ARRAY[CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
           CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END], NULL) ||
       coalesce((SELECT array_agg(p.word || ' ' || c.oid::regclass::text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
                     unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p(word)
                 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                     AND n.nspname !~ '^pg_toast'
                     AND has_schema_privilege(r.rolname, n.oid, 'USAGE') AND has_table_privilege(r.rolname, c.oid, p.word)
                     AND NOT has_table_privilege(%(login)s, c.oid, p.word)), '{}') AS more
FROM pg_roles r WHERE r.rolcanlogin AND r.rolname <> %(login)s AND r.rolname <> ALL (%(operators)s) ORDER BY 1
"""


# By each of them a login gets past row level security: at once, by a role that it makes, or by the log of changes.
POWERS: Final = frozenset({"SUPERUSER", "BYPASSRLS", "CREATEROLE", "REPLICATION"})


def assumed(field: Field) -> Iterator[Judgement]:
    """Take every role there is, and read everything with those that can be taken."""
    roles = [str(name) for (name,) in field.oracle.execute(_ROLES, [field.login]).fetchall()]
    for role in roles:
        yield _assumed(field, role)
    yield coverage(len(roles), len(roles), what="roles of the cluster")


def _assumed(field: Field, role: str) -> Judgement:
    taken = taking(role)
    kinds = [field.actors["direct"].act(Act(statement=taken, telling=True)).kind]
    posed = sql.SQL("SET LOCAL SESSION AUTHORIZATION {}").format(sql.Identifier(role))
    kinds.append(field.actors["direct"].act(Act(statement=posed, telling=True)).kind)
    if kinds[1] == "ok":
        return _said(role, Outcome.FAIL, "the session can pose as it", kinds)
    if kinds[0] != "ok":
        return _said(role, Outcome.PASS if set(kinds) <= DENIED else Outcome.ERROR, f"refused: {', '.join(kinds)}", kinds)
    leaks = leaking(field, taken, by=field.actors["direct"])
    if leaks:
        return _said(role, Outcome.FAIL, f"can be taken, and then another tenant's rows are read: {', '.join(leaks[:5])}", kinds)
    return _said(role, Outcome.PASS, "can be taken, and shows nothing more", kinds)


def _said(role: str, outcome: Outcome, reason: str, kinds: list[str]) -> Judgement:
    return Judgement(subject=f"role {role}", outcome=outcome, reason=reason, expected=sorted(DENIED), observed=kinds)


def taking(role: str) -> Composed:
    """Become the role, for a transaction."""
    return sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role))


def leaking(field: Field, taken: Composed, *, by: Attacker) -> list[str]:
    """The seeded relations in which the victim's canary is read with the role, whatever the login itself may do."""
    return [str(seed.relation) for seed in field.victims() if by.act(Act(statement=recognising(seed), before=(taken,))).shows(seed.canary)]


def made(field: Field) -> Iterator[Judgement]:
    """Make something in every schema, and change the rules of every relation; all of it is rolled back."""
    schemas = sorted({relation.schema for relation in field.known} | {"public"})
    for schema in schemas:
        yield _refused(field, f"schema {schema}", list(_in_schema(schema)), "the application can make things there, which others then use")
    for relation in field.known:
        if relation.kind in WRITABLE:
            reason = "the application can change the relation's rules"
            yield _refused(field, str(relation), list(_on_relation(relation)), reason, _OTHERWISE)
    yield coverage(len(schemas), len(schemas), what="schemas")


def _refused(field: Field, subject: str, statements: list[Composed], reason: str, refusals: frozenset[str] = DENIED) -> Judgement:
    answers = [field.actors["direct"].act(Act(statement=statement, telling=True)) for statement in statements]
    done = [statement.as_string() for statement, answer in zip(statements, answers, strict=True) if answer.kind == "ok"]
    kinds = sorted({answer.kind for answer in answers})
    if done:
        return Judgement(subject=subject, outcome=Outcome.FAIL, reason=f"{reason}: {done[0]}", expected=sorted(refusals), observed=kinds)
    outcome = Outcome.PASS if set(kinds) <= refusals else Outcome.ERROR
    return Judgement(subject=subject, outcome=outcome, reason=f"refused: {', '.join(kinds)}", expected=sorted(refusals), observed=kinds)


def _in_schema(schema: str) -> Iterator[Composed]:
    name = sql.Identifier(schema, "constat_made")
    yield sql.SQL("CREATE TABLE {} (x int)").format(name)
    yield sql.SQL("CREATE FUNCTION {}() RETURNS int LANGUAGE sql AS 'SELECT 1'").format(name)
    yield sql.SQL("CREATE TYPE {} AS (x int)").format(name)


def _on_relation(relation: Relation) -> Iterator[Composed]:
    yield sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(named(relation))
    yield sql.SQL(
        "CREATE TRIGGER constat_made BEFORE UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ).format(named(relation))


def others(field: Field) -> Iterator[Judgement]:
    """Every other login that works for tenants: it may do no more than the one that is attacked."""
    operators = [name for name, declared in field.target.isolation.logins.items() if declared.kind is LoginKind.OPERATOR]
    found = field.oracle.execute(_MORE, {"login": field.login, "operators": operators}).fetchall()
    for login, more in found:
        yield judge_other(str(login), tuple(more), field.login)
    yield Judgement(
        subject="other logins",
        outcome=Outcome.PASS,
        reason=f"{len(found)} beside {field.login!r} that are no operator's",
        observed=len(found),
    )


def judge_other(login: str, more: tuple[str, ...], attacked: str) -> Judgement:
    """FAIL for a login past every policy; NOT_REVIEWED for one that may do what was not attacked; else as good as the attacked one."""
    if powers := sorted(set(more) & POWERS):
        outcome, reason = Outcome.FAIL, f"it has {', '.join(powers)}, and the target does not declare it as an operator's"
    elif more:
        outcome, reason = Outcome.NOT_REVIEWED, f"it may do what the attacked login may not, and nobody attacked it: {', '.join(more[:5])}"
    else:
        outcome, reason = Outcome.PASS, f"it may do nothing that {attacked!r} may not, which was attacked"
    return Judgement(subject=f"login {login}", outcome=outcome, reason=reason, expected=[], observed=list(more))
