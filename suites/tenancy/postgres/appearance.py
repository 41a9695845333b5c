"""Configuration that looks wrong: a reading of the catalogs, which chooses where to look and gives no verdict on the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat.judgement import Judgement, coverage
from constat.observe.functions import functions
from constat.observe.relations import strange_relations
from constat.outcome import Outcome
from suites.tenancy.postgres.seeder import WRITABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.observe.functions import Function
    from constat.observe.relations import Relation
    from suites.tenancy.postgres.field import Field

# Kinds of objects that some control here attacks or knows to hold nothing; whatever else is there is a finding.
KNOWN_KINDS = frozenset(
    {"aggregate", "cast", "collation", "column", "conversion", "database", "default acl", "default value", "domain constraint", "extension"}
    | {"foreign table", "foreign-data wrapper", "function", "index", "language", "materialized view", "operator", "operator class"}
    | {"operator family", "policy", "procedure", "role", "rule", "schema", "sequence", "statistics object", "table", "table constraint"}
    | {"toast table", "trigger", "type", "view", "view column", "table column", "tablespace", "access method", "composite type", "domain"}
    | {"text search configuration", "text search dictionary", "text search parser", "text search template", "transform", "large object"}
    | {"operator of access method", "function of access method", "materialized view column", "foreign table column", "role membership"}
)
_KINDS = """
SELECT DISTINCT i.type FROM (
    SELECT classid, objid, objsubid FROM pg_depend WHERE deptype <> 'p' UNION SELECT classid, objid, objsubid FROM pg_shdepend
    WHERE dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    UNION SELECT 'pg_publication'::regclass, oid, 0 FROM pg_publication
    UNION SELECT 'pg_foreign_server'::regclass, oid, 0 FROM pg_foreign_server
    UNION SELECT 'pg_event_trigger'::regclass, oid, 0 FROM pg_event_trigger
) AS o, pg_identify_object(o.classid, o.objid, o.objsubid) AS i WHERE i.type IS NOT NULL
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = o.classid AND e.objid = o.objid AND e.deptype = 'e')
"""


def looked(field: Field) -> Iterator[Judgement]:
    """Every relation of tenants and every function with another's rights; then kinds of objects that nobody here attacks."""
    tenants = [r for r in field.known if r.kind in WRITABLE and r.has(field.database.tenant_column)]
    for relation in tenants:
        yield judge_relation(relation)
    for view in (r for r in field.reachable if r.kind == "view"):
        yield judge_view(view)
    for function in functions(field.oracle, field.login):
        if function.definer and function.callable:
            yield judge_function(function)
    yield _kinds(field)
    yield coverage(len(tenants), len(tenants), what="relations of tenants")


def judge_relation(relation: Relation) -> Judgement:
    """FAIL when row level security is off, or does not hold for the owner; only the attacks say whether anything is reached."""
    wrong = [word for word, right in (("ENABLE", relation.guarded), ("FORCE", relation.forced)) if not right and not relation.is_partition]
    if relation.is_partition and relation.privileges and not relation.guarded:
        wrong = ["ENABLE"]
    return _judged(str(relation), [f"row level security is not {word}d" for word in wrong])


def judge_view(view: Relation) -> Judgement:
    """FAIL for a view with its owner's rights and no barrier."""
    options = {option.lower() for option in view.options}
    safe = options & {"security_invoker=true", "security_invoker=on", "security_barrier=true", "security_barrier=on"}
    return _judged(str(view), [] if safe else ["the view has its owner's rights and no barrier"])


def judge_function(function: Function) -> Judgement:
    """FAIL for a function with its owner's rights that is found and finds by its caller's search path."""
    return _judged(str(function), [] if function.pinned else ["it runs with its owner's rights by its caller's search path"])


def _judged(subject: str, wrong: list[str]) -> Judgement:
    reason = f"looks wrong, whatever the attacks say: {', '.join(wrong)}" if wrong else "looks right"
    return Judgement(subject=subject, outcome=Outcome.FAIL if wrong else Outcome.PASS, reason=reason, expected=[], observed=wrong)


def _kinds(field: Field) -> Judgement:
    found = {str(kind) for (kind,) in field.oracle.execute(_KINDS).fetchall()}
    strange = sorted((found - KNOWN_KINDS) | set(strange_relations(field.oracle)))
    return Judgement(
        subject="kinds of objects",
        outcome=Outcome.FAIL if strange else Outcome.PASS,
        reason=f"nobody here attacks {', '.join(strange)}; take it away, or teach the suite"
        if strange
        else f"{len(found)} kinds, all known",
        expected=[],
        observed=strange,
    )
