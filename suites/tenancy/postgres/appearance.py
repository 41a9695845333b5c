"""Configuration that looks wrong: a reading of the catalogs, which chooses where to look and gives no verdict on the data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.judgement import Judgement, coverage
from constat.observe.functions import functions
from constat.observe.relations import strange_relations
from constat.outcome import Outcome
from suites.tenancy.postgres.seeds import WRITABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
# Policies that are asked for the login; a policy that checks nothing of its own checks by what it shows.
_POLICIES: Final = """
SELECT polrelid::bigint, polname::text, polpermissive, polcmd::text,
       array_remove(ARRAY[pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)], NULL)
FROM pg_policy p WHERE polrelid = ANY (%(oids)s::oid[]) AND EXISTS (
    SELECT FROM unnest(polroles) AS r(role) WHERE role = 0 OR pg_has_role(%(login)s, role, 'MEMBER')) ORDER BY polrelid, polname
"""
_ABOUT_CONTEXT: Final = frozenset({"nullif", "current_setting", "uuid", "text", "true", "select", "as", "coalesce"})


@dataclass(frozen=True)
class Policy:
    """A policy of row level security: its name, whether one that lets through is enough, for which command, and what it asks."""

    name: str
    permissive: bool
    command: str  # as in pg_policy.polcmd: `*` for all
    conditions: tuple[str, ...]


def looked(field: Field) -> Iterator[Judgement]:
    """Every relation of tenants and every function with another's rights; then kinds of objects that nobody here attacks."""
    tenants = [r for r in field.known if r.kind in WRITABLE and r.has(field.database.tenant_column)]
    for relation in tenants:
        yield judge_relation(relation)
    yield from _policies(field, {relation.oid: str(relation) for relation in tenants if relation.guarded})
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


def judge_policies(subject: str, policies: Sequence[Policy], tenant_column: str, setting: str) -> Judgement:
    """FAIL for a permissive policy that does not ask whose a row is, unless a restrictive one for all commands does."""
    asked = [policy for policy in policies if not policy.permissive and policy.command == "*"]
    if any(all(_requires(text, tenant_column, setting) for text in policy.conditions) for policy in asked):
        return _judged(subject, [])
    loose = [p for p in policies if p.permissive and not all(_requires(text, tenant_column, setting) for text in p.conditions)]
    return _judged(subject, [f"policy {policy.name!r} does not require {tenant_column!r} to be the context's" for policy in loose])


def _requires(condition: str, tenant_column: str, setting: str) -> bool:
    """Whether one of what must all be true is that the tenant's column equals the context."""
    whole = _bare(condition)
    parts = _conjuncts(whole)
    if len(parts) > 1:
        return any(_requires(part, tenant_column, setting) for part in parts)
    column = rf'(?:\w+\.)?"?{re.escape(tenant_column)}"?(?:\)?::(?:text|uuid))?'
    left = re.fullmatch(rf"\(?{column} = (?P<context>.+)", whole, re.DOTALL)
    right = re.fullmatch(rf"(?P<context>.+) = \(?{column}", whole, re.DOTALL)
    found = left or right
    return found is not None and _is_context(found["context"], setting)


def _is_context(text: str, setting: str) -> bool:
    """An expression of the context's setting alone, or of a function that may be asked for it."""
    words = set(re.findall(r"[a-z_][a-z_0-9]*", re.sub(r"'[^']*'", "", text.lower())))
    if f"'{setting}'" in text:
        return words <= _ABOUT_CONTEXT and not set(re.findall(r"'([^']*)'", text)) - {setting, ""}
    return re.fullmatch(r"\(*(?:select )?[\w.]+\(\)(?: as \w+)?\)*", text.strip().lower()) is not None


def _bare(text: str) -> str:
    """Without the parentheses around all of it."""
    text = text.strip()
    while text.startswith("(") and len(_split(text[1:-1], ")", depth_of_close=True)) == 1 and text.endswith(")"):
        text = text[1:-1].strip()
    return text


def _conjuncts(text: str) -> list[str]:
    """What AND joins at the top; one part where anything else is joined by OR there."""
    return [text] if len(_split(text, " OR ")) > 1 else _split(text, " AND ")


def _split(text: str, word: str, *, depth_of_close: bool = False) -> list[str]:
    """The parts between a word that stands in no parentheses and no quotes; with `depth_of_close`, a parenthesis that none opened."""
    parts, start, depth, quoted = [], 0, 0, False
    for place, sign in enumerate(text):
        quoted ^= sign == "'"
        if quoted:
            continue
        depth += (sign == "(") - (sign == ")")
        if (depth < 0) if depth_of_close else (depth == 0 and text.startswith(word, place)):
            parts.append(text[start:place])
            start = place + len(word)
            depth = max(depth, 0)
    return [*parts, text[start:]]


def _policies(field: Field, guarded: dict[int, str]) -> Iterator[Judgement]:
    rows = field.oracle.execute(_POLICIES, {"login": field.login, "oids": list(guarded)}).fetchall()
    for oid, subject in guarded.items():
        policies = [Policy(name, permissive, command, tuple(asked)) for table, name, permissive, command, asked in rows if table == oid]
        yield judge_policies(f"{subject}: policies", policies, field.database.tenant_column, field.database.context_setting)


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
