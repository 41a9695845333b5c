"""Triggers that reach a neighbour's rows when one's own are deleted, really changed, or repeat what the neighbour has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.outcome import Outcome
from mutants.tenancy.postgres.statements import mutant

if TYPE_CHECKING:
    from constat.mutant import Mutant


def _trigger(mutant_id: str, title: str, *, name: str, when: str, body: str, controls: tuple[str, ...]) -> Mutant:
    """A trigger with its owner's rights on a table."""
    table = when.partition(" ON ")[2].partition(" ")[0]
    return mutant(
        mutant_id,
        title,
        plant=f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $f$ BEGIN {body} END $f$; "
        f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()",
        revert=f"DROP TRIGGER IF EXISTS {name} ON {table}; DROP FUNCTION IF EXISTS {name}()",
        holds=f"SELECT count(*) = 1 FROM pg_trigger WHERE tgname = '{name}'",
        controls=controls,
    )


MUTANTS: Final = (
    _trigger(
        "MUT-TEN-PG-85",
        "when a lead is deleted, everybody's notifications are",
        name="forget",
        when="AFTER DELETE ON leads FOR EACH ROW",
        body="DELETE FROM public.notifications; RETURN OLD;",
        controls=("TEN-PG-04",),
    ),
    _trigger(
        "MUT-TEN-PG-86",
        "when a property moves to another city, everybody's notifications are marked as sent",
        name="moved",
        when="AFTER UPDATE ON properties FOR EACH ROW WHEN (OLD.city IS DISTINCT FROM NEW.city)",
        body="UPDATE public.notifications SET sent_at = now(); RETURN NEW;",
        controls=("TEN-PG-02",),
    ),
    _trigger(
        "MUT-TEN-PG-87",
        "a new lead takes the place of every other with its address, whosever it is",
        name="replaced",
        when="BEFORE INSERT ON leads FOR EACH ROW",
        body="DELETE FROM public.leads WHERE email = NEW.email AND organization_id <> NEW.organization_id; RETURN NEW;",
        controls=("TEN-PG-03",),
    ),
    mutant(
        "SAFE-TEN-PG-24",
        "a property stays in its city: a trigger refuses to move it",
        plant="CREATE FUNCTION stays() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION 'it stays'; END $f$; "
        "CREATE TRIGGER stays BEFORE UPDATE ON properties FOR EACH ROW WHEN (OLD.city IS DISTINCT FROM NEW.city) EXECUTE FUNCTION stays()",
        revert="DROP TRIGGER IF EXISTS stays ON properties; DROP FUNCTION IF EXISTS stays()",
        holds="SELECT count(*) = 1 FROM pg_trigger WHERE tgname = 'stays'",
        controls=tuple(f"TEN-PG-{number:02}" for number in range(1, 16)),
        expects=Outcome.PASS,
    ),
)
