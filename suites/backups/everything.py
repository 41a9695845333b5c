"""Everything that a cluster is made of, as digests: the rows of every relation of every database, the system's own included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from constat.attempt import clip
from constat.errors import Unobservable
from constat.judgement import Judgement
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from psycopg import Connection

_DATABASES: Final = "SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1"
# Catalogs are relations too: with them come roles, rights, rules, code, types, comments and large objects, whatever
# kinds of them there are.  Left out is what the server notes for itself, without a transaction: estimates and ages.
_RELATIONS: Final = """
SELECT n.nspname, c.relname, c.relpersistence, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_t(oast|emp)' AND n.nspname <> 'information_schema' AND NOT a.attisdropped
AND c.relname NOT IN ('pg_statistic', 'pg_statistic_ext_data') AND a.attname <> ALL ('{relpages,reltuples,relallvisible}')
AND (a.attnum > 0) AND (n.nspname <> 'pg_catalog' OR a.atttypid <> 'xid'::regtype) GROUP BY 1, 2, 3 ORDER BY 1, 2"""
_ROWS: Final = """
SELECT count(*) || ' ' || coalesce(md5(string_agg(row, '' ORDER BY row)), '') FROM (SELECT md5(ROW({})::text) AS row FROM {}) AS rows"""
_SEQUENCES: Final = """
SELECT s.schemaname, s.sequencename, c.relpersistence, coalesce(s.last_value, s.start_value) * sign(s.increment_by)
FROM pg_sequences AS s JOIN pg_class AS c ON c.oid = format('%I.%I', s.schemaname, s.sequencename)::regclass
WHERE NOT s.cycle ORDER BY 1, 2"""
_UNLOGGED: Final = "u"
_SYSTEM: Final = "pg_catalog."


@dataclass(frozen=True, kw_only=True)
class Everything:
    """By name, `DATABASE: SCHEMA.RELATION`."""

    relations: Mapping[str, str]  # the number and the digest of their rows
    catalogs: Mapping[str, str]  # likewise, of the system's own
    sequences: Mapping[str, int]  # how far each has got, in its own direction
    unlogged: tuple[str, ...]  # what no backup holds


def everything(dsn: str) -> Everything:
    """Read every database with full rights, each in one snapshot; Unobservable when a relation cannot be read to its end."""
    try:
        with psycopg.connect(dsn) as connection:
            names = [str(name) for (name,) in connection.execute(_DATABASES).fetchall()]
        return _joined({name: _of_database(make_conninfo(dsn, dbname=name)) for name in names})
    except psycopg.Error as problem:
        msg = f"the cluster cannot be read to its end: {str(problem).strip()}"
        raise Unobservable(msg) from None


def judge(before: Everything, after: Everything, restored: Everything) -> Iterator[Judgement]:
    """Compare what was restored with what was there just before and just after the moment; a pure function.

    What changed between the two was changed by somebody else meanwhile, and is left out by name.
    """
    yield _judged("every relation", before.relations, after.relations, restored.relations)
    yield _judged("roles, rights and code", before.catalogs, after.catalogs, restored.catalogs)
    behind = sorted(name for name, value in before.sequences.items() if restored.sequences.get(name, value - 1) < value)
    reason = f"would give numbers twice: {clip(', '.join(behind))}" if behind else f"{len(before.sequences)} are as far as they were"
    outcome = Outcome.FAIL if behind else Outcome.PASS
    yield Judgement(subject="sequences", outcome=outcome, reason=reason, expected=[], observed=behind)
    outcome = Outcome.FAIL if before.unlogged else Outcome.PASS
    reason = f"no backup holds {', '.join(before.unlogged)}: unlogged" if before.unlogged else "every relation is logged"
    yield Judgement(subject="relations that no backup holds", outcome=outcome, reason=reason, expected=[], observed=list(before.unlogged))


def _judged(subject: str, before: Mapping[str, str], after: Mapping[str, str], restored: Mapping[str, str]) -> Judgement:
    steady = {name for name, content in before.items() if after.get(name) == content}
    wrong = sorted(name for name in steady if restored.get(name) != before[name]) + sorted(set(restored) - set(before) - set(after))
    moved = sorted(set(before) - steady)
    outcome = Outcome.FAIL if wrong else Outcome.PASS if steady else Outcome.ERROR
    reason = f"not as they were: {clip(', '.join(wrong))}" if wrong else f"{len(steady)} are as they were"
    left_out = f"; {len(moved)} changed meanwhile and are not compared: {clip(', '.join(moved))}" if moved else ""
    return Judgement(subject=subject, outcome=outcome, reason=reason + left_out, expected=[], observed=wrong)


def _of_database(dsn: str) -> Everything:
    with psycopg.connect(dsn) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = connection.execute(_RELATIONS).fetchall()
        contents = {f"{schema}.{name}": _content(connection, schema, name, columns) for schema, name, _, columns in found}
        sequences = connection.execute(_SEQUENCES).fetchall()
    return Everything(
        relations={name: content for name, content in contents.items() if not name.startswith(_SYSTEM)},
        catalogs={name: content for name, content in contents.items() if name.startswith(_SYSTEM)},
        sequences={f"{schema}.{name}": int(value) for schema, name, _, value in sequences},
        unlogged=tuple(f"{schema}.{name}" for schema, name, persistence, _ in [*found, *sequences] if persistence == _UNLOGGED),
    )


def _joined(databases: Mapping[str, Everything]) -> Everything:
    return Everything(
        relations={f"{database}: {name}": content for database, one in databases.items() for name, content in one.relations.items()},
        catalogs={f"{database}: {name}": content for database, one in databases.items() for name, content in one.catalogs.items()},
        sequences={f"{database}: {name}": value for database, one in databases.items() for name, value in one.sequences.items()},
        unlogged=tuple(f"{database}: {name}" for database, one in databases.items() for name in one.unlogged),
    )


def _content(connection: Connection[tuple[str, ...]], schema: str, name: str, columns: list[str]) -> str:
    row = connection.execute(sql.SQL(_ROWS).format(_named(columns), sql.Identifier(schema, name))).fetchone()
    return str(row[0]) if row else ""


def _named(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
