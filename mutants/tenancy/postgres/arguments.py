"""Functions that answer only to the right argument, and numbers and channels that are told apart only by values."""

from __future__ import annotations

from typing import Final

from constat.outcome import Outcome
from mutants.tenancy.postgres.statements import mutant

_CALLS, _TRACES = ("TEN-PG-05",), ("TEN-PG-11",)
_DEFINER: Final = "SECURITY DEFINER SET search_path = public, pg_temp"
_EMAILS: Final = f"RETURNS SETOF text LANGUAGE sql {_DEFINER}"

MUTANTS: Final = (
    mutant(
        "MUT-TEN-PG-90",
        "a function whose argument nobody here can write down answers NULL with nothing",
        plant=f"CREATE FUNCTION leads_by_signature(wanted gtsvector) {_EMAILS} STRICT AS 'SELECT email FROM leads'; "
        "GRANT EXECUTE ON FUNCTION leads_by_signature TO application",
        revert="DROP FUNCTION IF EXISTS leads_by_signature(gtsvector)",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'leads_by_signature'",
        controls=_CALLS,
        expects=Outcome.NOT_REVIEWED,
    ),
    mutant(
        "MUT-TEN-PG-91",
        "an export for a certain reach lists everybody's addresses, and its reach is an enumerated type",
        plant="CREATE TYPE reach AS ENUM ('mine', 'all'); "
        f"CREATE FUNCTION exported(wanted reach) {_EMAILS} STRICT AS 'SELECT email FROM leads WHERE $1 = ''all'''; "
        "GRANT EXECUTE ON FUNCTION exported TO application",
        revert="DROP FUNCTION IF EXISTS exported(reach); DROP TYPE IF EXISTS reach",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'exported'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-92",
        "a report over a period lists everybody's addresses",
        plant=f"CREATE FUNCTION leads_during(period tstzrange) {_EMAILS} STRICT AS 'SELECT email FROM leads WHERE created_at <@ $1'; "
        "GRANT EXECUTE ON FUNCTION leads_during TO application",
        revert="DROP FUNCTION IF EXISTS leads_during(tstzrange)",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'leads_during'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-93",
        "a search takes the agency from a document",
        plant=f"CREATE FUNCTION leads_as_asked(asked jsonb) {_EMAILS} STRICT AS "
        "'SELECT email FROM leads WHERE organization_id = ($1 ->> ''agency'')::uuid'; "
        "GRANT EXECUTE ON FUNCTION leads_as_asked TO application",
        revert="DROP FUNCTION IF EXISTS leads_as_asked(jsonb)",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'leads_as_asked'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-94",
        "a report in a certain format is made for whatever organization it is given",
        plant=f"CREATE FUNCTION report(organization uuid, format text) {_EMAILS} AS "
        "'SELECT email FROM leads WHERE organization_id = $1 AND $2 = ''full'''; GRANT EXECUTE ON FUNCTION report TO application",
        revert="DROP FUNCTION IF EXISTS report(uuid, text)",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'report'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-95",
        "a lead is shown to whoever knows its id and its address",
        plant="CREATE FUNCTION lead_of(wanted uuid, address text) RETURNS SETOF boolean "
        f"LANGUAGE sql {_DEFINER} AS 'SELECT true FROM leads WHERE id = $1 AND email = $2'; "
        "GRANT EXECUTE ON FUNCTION lead_of TO application",
        revert="DROP FUNCTION IF EXISTS lead_of(uuid, text)",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'lead_of'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-96",
        "a function counts everybody's leads since a day",
        plant=f"CREATE FUNCTION leads_since(day timestamptz) RETURNS bigint LANGUAGE sql STABLE {_DEFINER} AS "
        "'SELECT count(*) FROM leads WHERE created_at >= $1'; GRANT EXECUTE ON FUNCTION leads_since TO application",
        revert="DROP FUNCTION IF EXISTS leads_since(timestamptz)",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'leads_since'",
        controls=_TRACES,
    ),
    mutant(
        "MUT-TEN-PG-97",
        "an aggregate gathers the addresses of whatever organizations it is given",
        plant=f"CREATE FUNCTION gather(gathered text, organization uuid) RETURNS text LANGUAGE sql {_DEFINER} AS "
        "'SELECT concat($1, string_agg(email, '' '')) FROM leads WHERE organization_id = $2'; "
        "REVOKE EXECUTE ON FUNCTION gather FROM PUBLIC; CREATE AGGREGATE addresses(uuid) (SFUNC = gather, STYPE = text); "
        "GRANT EXECUTE ON FUNCTION addresses(uuid) TO application",
        revert="DROP AGGREGATE IF EXISTS addresses(uuid); DROP FUNCTION IF EXISTS gather(text, uuid)",
        holds="SELECT count(*) = 1 FROM pg_proc WHERE proname = 'addresses'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-98",
        "every lead gets the next number of all tenants', which its own tenant sees",
        plant="ALTER TABLE leads ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY",
        revert="ALTER TABLE leads DROP COLUMN IF EXISTS number",
        holds="SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'leads'::regclass AND attname = 'number' AND attidentity = 'a'",
        controls=_TRACES,
    ),
    mutant(
        "MUT-TEN-PG-99",
        "a trigger announces every new lead on a channel that is named after the organization",
        plant="CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$f$ BEGIN PERFORM pg_notify('org_' || NEW.organization_id, NEW.email); RETURN NEW; END $f$; "
        "CREATE TRIGGER announce AFTER INSERT ON leads FOR EACH ROW EXECUTE FUNCTION announce()",
        revert="DROP TRIGGER IF EXISTS announce ON leads; DROP FUNCTION IF EXISTS announce()",
        holds="SELECT count(*) = 1 FROM pg_trigger WHERE tgname = 'announce'",
        controls=_TRACES,
    ),
)
