"""Defects of the logins that the secret store issues for the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mutants.tenancy.postgres.statements import mutant

if TYPE_CHECKING:
    from constat.mutant import Mutant

_ISSUE: Final = "issuer.issue(text, text, timestamp with time zone)"


def _rewritten(mutant_id: str, title: str, *, right: str, wrong: str) -> Mutant:
    """Make a mutant of the function that makes the logins: other words in its statement."""
    swap = "DO $mutant$ BEGIN EXECUTE replace(pg_get_functiondef('{function}'::regprocedure), '{before}', '{after}'); END $mutant$"
    return mutant(
        mutant_id,
        title,
        plant=swap.format(function=_ISSUE, before=right, after=wrong),
        revert=swap.format(function=_ISSUE, before=wrong, after=right),
        holds=f"SELECT prosrc LIKE '%{wrong}%' FROM pg_proc WHERE oid = '{_ISSUE}'::regprocedure",
        controls=("TEN-PG-08",),
    )


MUTANTS: Final = (
    _rewritten(
        "MUT-TEN-VAU-30",
        "the logins that are issued are past every policy, since a report came out empty",
        right="NOREPLICATION NOBYPASSRLS",
        wrong="NOREPLICATION BYPASSRLS",
    ),
    _rewritten(
        "MUT-TEN-VAU-31",
        "the logins that are issued have the backup's role too, which reads everything",
        right="IN ROLE application",
        wrong="IN ROLE backup, application",
    ),
)
