"""One tenant's part of a table: what it is, and how it is brought over from a restored server while the others stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg
from psycopg import sql

from constat import entries
from constat.errors import Unobservable
from constat.judgement import Judgement
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constat.stack import Postgres

_DIGEST: Final = "count(*), coalesce(md5(string_agg(a::text, '' ORDER BY a::text)), '')"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A tenant's rows: how many, and their digest, every column included."""

    rows: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class Accident:
    """What was there before one tenant's rows were deleted, after it, and once they were brought back; by tenant."""

    victim: str
    before: Mapping[str, Part]
    deleted: Mapping[str, Part]
    after: Mapping[str, Part]
    seconds: float  # from the accident to the end of the repair


def part(postgres: Postgres, organization: str, *, prefix: str) -> Part:
    """Read it as the operator; Unobservable when it cannot be read."""
    try:
        with entries.connect(postgres.admin_dsn) as operator:
            row = operator.execute(
                _selected("count(*), coalesce(md5(string_agg(a::text, '' ORDER BY a::text)), '')"), (organization, prefix)
            )
            found = row.fetchone()
    except psycopg.Error as problem:
        msg = f"the rows of {organization} cannot be read: {problem}"
        raise Unobservable(msg) from None
    return Part(rows=int(str(found[0])), digest=str(found[1])) if found else Part(rows=0, digest="")


def delete(postgres: Postgres, organization: str, *, prefix: str) -> None:
    """The accident."""
    with entries.connect(postgres.admin_dsn) as operator:
        table = sql.Identifier(entries.TABLE)
        statement = sql.SQL("DELETE FROM {} WHERE organization_id = %s AND starts_with(writer, %s)").format(table)
        operator.execute(statement, (organization, prefix))


def bring_over(restored: str, postgres: Postgres, organization: str, *, prefix: str) -> None:
    """Copy the rows from the restored server as they are."""
    with entries.connect(restored) as source, entries.connect(postgres.admin_dsn) as operator:
        out = sql.SQL("COPY ({}) TO STDOUT").format(_selected("a.*", organization, prefix))
        into = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(entries.TABLE))
        with source.cursor().copy(out) as rows, operator.cursor().copy(into) as target:
            for chunk in rows:
                target.write(chunk)


def judge(seen: Accident, *, promised: float | None) -> Iterator[Judgement]:
    """FAIL when the victim's rows are not back as they were, or another tenant's are not as they were; a pure function."""
    vacuous = not seen.before[seen.victim].rows or seen.deleted[seen.victim].rows > 0
    for tenant, before in seen.before.items():
        now, said = seen.after[tenant], "back as they were" if tenant == seen.victim else "as they were"
        expected, observed = _told(before), _told(now)
        outcome = Outcome.ERROR if vacuous or not before.rows else Outcome.PASS if before == now else Outcome.FAIL
        reason = f"{now.rows} rows are {said}" if before == now else f"{now.rows} rows of {before.rows}, and not {said}"
        yield Judgement(subject=f"tenant {tenant}", outcome=outcome, reason=reason, expected=expected, observed=observed)
    if promised is not None:
        yield Judgement(
            subject="time of the repair",
            outcome=Outcome.PASS if seen.seconds <= promised else Outcome.FAIL,
            reason=f"repaired {seen.seconds:.0f} s after the accident, the choice of the moment not included",
            # No measurement of the objective itself: service was there all the time.
            expected=f"within {promised:g} s",
            observed=f"{seen.seconds:.1f} s",
        )


def _told(seen: Part) -> dict[str, int | str]:
    return {"rows": seen.rows, "md5": seen.digest}


def _selected(what: LiteralString, *values: str) -> sql.Composed:
    """A statement over a tenant's rows; with its values, or with places for them."""
    organization, prefix = map(sql.Literal, values) if values else (sql.Placeholder(), sql.Placeholder())
    return sql.SQL("SELECT {} FROM {} AS a WHERE organization_id = {} AND starts_with(writer, {})").format(
        sql.SQL(what),
        sql.Identifier(entries.TABLE),
        organization,
        prefix,
    )
