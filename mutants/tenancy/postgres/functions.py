"""Functions that forget whose data it is."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.postgres.statements import mutant

_CALLS: Final = ("TEN-PG-05",)
_DEFINER: Final = "LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp"

MUTANTS: Final = (
    mutant(
        "MUT-TEN-PG-20",
        "a report's function runs with its owner's rights and takes the organization from its caller",
        plant=f"CREATE OR REPLACE FUNCTION leads_of(organization uuid) RETURNS SETOF leads {_DEFINER} AS "
        "'SELECT * FROM leads WHERE organization_id = $1'; GRANT EXECUTE ON FUNCTION leads_of TO application",
        revert="DROP FUNCTION IF EXISTS leads_of(uuid)",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'leads_of'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-21",
        "a function says whether an id exists, whoever asks",
        plant=f"CREATE OR REPLACE FUNCTION lead_exists(wanted uuid) RETURNS boolean {_DEFINER} AS "
        "'SELECT EXISTS (SELECT FROM leads WHERE id = $1)'; GRANT EXECUTE ON FUNCTION lead_exists TO application",
        revert="DROP FUNCTION IF EXISTS lead_exists(uuid)",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'lead_exists'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-22",
        "a clean-up procedure deletes for whatever organization it is given",
        plant="CREATE OR REPLACE PROCEDURE purge_notifications(organization uuid) LANGUAGE sql SECURITY DEFINER AS "
        "'DELETE FROM public.notifications WHERE organization_id = $1'; GRANT EXECUTE ON PROCEDURE purge_notifications TO application",
        revert="DROP PROCEDURE IF EXISTS purge_notifications(uuid)",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'purge_notifications'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-23",
        "a function for imports adds rows for whatever organization it is given",
        plant=f"CREATE OR REPLACE FUNCTION record(organization uuid, what text) RETURNS void {_DEFINER} AS "
        "'INSERT INTO events (organization_id, kind) VALUES ($1, coalesce(nullif($2, ''''), ''import''))';"
        " GRANT EXECUTE ON FUNCTION record TO application",
        revert="DROP FUNCTION IF EXISTS record(uuid, text)",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'record'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-24",
        "a search function looks through everybody's titles",
        plant=f"CREATE OR REPLACE FUNCTION find_titles(words text) RETURNS SETOF text {_DEFINER} AS "
        "'SELECT title FROM properties WHERE title ILIKE ''%'' || $1 || ''%'''; GRANT EXECUTE ON FUNCTION find_titles TO application",
        revert="DROP FUNCTION IF EXISTS find_titles(text)",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'find_titles'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-25",
        "a function of a policy finds its table by the caller's search path, and temporary tables are allowed",
        plant="CREATE TABLE IF NOT EXISTS memberships (login text NOT NULL, organization_id uuid NOT NULL); "
        "CREATE OR REPLACE FUNCTION my_organizations() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER AS "
        "'SELECT organization_id FROM memberships WHERE login = session_user'; "
        "GRANT EXECUTE ON FUNCTION my_organizations TO application; DROP POLICY IF EXISTS member ON leads; "
        "CREATE POLICY member ON leads USING (organization_id IN (SELECT my_organizations())); "
        "GRANT TEMPORARY ON DATABASE viridial TO application",
        revert="REVOKE TEMPORARY ON DATABASE viridial FROM application; DROP POLICY IF EXISTS member ON leads; "
        "DROP FUNCTION IF EXISTS my_organizations(); DROP TABLE IF EXISTS memberships",
        holds="SELECT count(*) = 1 FROM pg_policies WHERE policyname = 'member'",
        controls=("TEN-PG-06",),
    ),
    mutant(
        "MUT-TEN-PG-26",
        "a function puts its argument into a statement as it is",
        plant="CREATE OR REPLACE FUNCTION cities_like(word text) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER "
        "SET search_path = public, pg_temp AS $f$ BEGIN RETURN QUERY EXECUTE 'SELECT city FROM properties WHERE organization_id = "
        "nullif(current_setting(''app.organization_id'', true), '''')::uuid AND city = ''' || word || ''''; END $f$; "
        "GRANT EXECUTE ON FUNCTION cities_like TO application",
        revert="DROP FUNCTION IF EXISTS cities_like(text)",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'cities_like'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-27",
        "a function for the front page counts everybody's properties",
        plant=f"CREATE OR REPLACE FUNCTION properties_online() RETURNS bigint STABLE {_DEFINER} AS "
        "'SELECT count(*) FROM properties'; GRANT EXECUTE ON FUNCTION properties_online TO application",
        revert="DROP FUNCTION IF EXISTS properties_online()",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'properties_online'",
        controls=("TEN-PG-11",),
    ),
)
