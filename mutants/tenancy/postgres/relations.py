"""Defects of row level security that people really make."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.postgres.statements import mutant

READ, CHANGE, PUT, DELETE = "TEN-PG-01", "TEN-PG-02", "TEN-PG-03", "TEN-PG-04"
_MINE: Final = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"

MUTANTS: Final = (
    mutant(
        "MUT-TEN-PG-01",
        "row level security was switched off on a table for a data fix, and stayed off",
        plant="ALTER TABLE properties DISABLE ROW LEVEL SECURITY",
        revert="ALTER TABLE properties ENABLE ROW LEVEL SECURITY",
        holds="SELECT NOT relrowsecurity FROM pg_class WHERE oid = 'properties'::regclass",
        controls=(READ, CHANGE, PUT, DELETE),
    ),
    mutant(
        "MUT-TEN-PG-02",
        "a permissive policy for support staff ORs isolation away for reading",
        plant=(
            "DROP POLICY IF EXISTS support ON leads; "
            "CREATE POLICY support ON leads FOR SELECT USING (created_at > now() - interval '90 days')"
        ),
        revert="DROP POLICY IF EXISTS support ON leads",
        holds="SELECT count(*) = 1 FROM pg_policies WHERE policyname = 'support'",
        controls=(READ,),
    ),
    mutant(
        "MUT-TEN-PG-03",
        "an upsert was made to work with a policy that checks nothing on insert",
        plant="DROP POLICY IF EXISTS ingest ON events; CREATE POLICY ingest ON events FOR INSERT WITH CHECK (true)",
        revert="DROP POLICY IF EXISTS ingest ON events",
        holds="SELECT count(*) = 1 FROM pg_policies WHERE policyname = 'ingest'",
        controls=(PUT,),
    ),
    mutant(
        "MUT-TEN-PG-04",
        "a clean-up job's policy lets everybody delete what is old, and everything is",
        plant="DROP POLICY IF EXISTS purge ON notifications; CREATE POLICY purge ON notifications FOR DELETE USING (created_at <= now())",
        revert="DROP POLICY IF EXISTS purge ON notifications",
        holds="SELECT count(*) = 1 FROM pg_policies WHERE policyname = 'purge'",
        controls=(DELETE,),
    ),
    mutant(
        "MUT-TEN-PG-05",
        "a policy for a background worker lets everybody update, but read only their own",
        plant="DROP POLICY IF EXISTS touch ON documents; CREATE POLICY touch ON documents FOR UPDATE USING (true) WITH CHECK (true)",
        revert="DROP POLICY IF EXISTS touch ON documents",
        holds="SELECT count(*) = 1 FROM pg_policies WHERE policyname = 'touch'",
        controls=(CHANGE, PUT),
    ),
    mutant(
        "MUT-TEN-PG-06",
        "a migration copied a table with CREATE TABLE AS, and the copy has no policy",
        plant="CREATE TABLE IF NOT EXISTS leads_2026 AS SELECT * FROM leads; GRANT SELECT ON leads_2026 TO application",
        revert="DROP TABLE IF EXISTS leads_2026",
        holds="SELECT to_regclass('leads_2026') IS NOT NULL",
        controls=(READ,),
    ),
    mutant(
        "MUT-TEN-PG-07",
        "a view for the dashboard runs with its owner's rights, and the owner sees everything",
        plant="CREATE OR REPLACE VIEW recent_leads AS SELECT * FROM leads; GRANT SELECT ON recent_leads TO application",
        revert="DROP VIEW IF EXISTS recent_leads",
        holds="SELECT to_regclass('recent_leads') IS NOT NULL",
        controls=(READ,),
    ),
    mutant(
        "MUT-TEN-PG-08",
        "the application's login inherits the owner, and FORCE was forgotten on a table",
        plant="ALTER TABLE leads NO FORCE ROW LEVEL SECURITY; GRANT owner TO app",
        revert="ALTER TABLE leads FORCE ROW LEVEL SECURITY; REVOKE owner FROM app",
        holds="SELECT pg_has_role('app', 'owner', 'USAGE') AND NOT relforcerowsecurity FROM pg_class WHERE oid = 'leads'::regclass",
        controls=(READ, CHANGE, PUT, DELETE),
    ),
    mutant(
        "MUT-TEN-PG-09",
        "a policy fails open when no context is set",
        plant=(
            "DROP POLICY IF EXISTS lenient ON properties; CREATE POLICY lenient ON properties "
            "USING (coalesce(current_setting('app.organization_id', true), '') = '')"
        ),
        revert="DROP POLICY IF EXISTS lenient ON properties",
        holds="SELECT count(*) = 1 FROM pg_policies WHERE policyname = 'lenient'",
        controls=(READ, CHANGE, DELETE),
    ),
    mutant(
        "MUT-TEN-PG-10",
        "partitions were granted to the application by name, and only the parent has policies",
        plant="ALTER TABLE events_0 DISABLE ROW LEVEL SECURITY; ALTER TABLE events_1 DISABLE ROW LEVEL SECURITY; "
        "ALTER TABLE events_2 DISABLE ROW LEVEL SECURITY; ALTER TABLE events_3 DISABLE ROW LEVEL SECURITY; "
        "GRANT SELECT ON events_0, events_1, events_2, events_3 TO application",
        revert="ALTER TABLE events_0 ENABLE ROW LEVEL SECURITY; ALTER TABLE events_1 ENABLE ROW LEVEL SECURITY; "
        "ALTER TABLE events_2 ENABLE ROW LEVEL SECURITY; ALTER TABLE events_3 ENABLE ROW LEVEL SECURITY; "
        "REVOKE ALL ON events_0, events_1, events_2, events_3 FROM application",
        holds="SELECT NOT bool_or(relrowsecurity) FROM pg_class WHERE relname ~ '^events_[0-3]$'",
        controls=(READ,),
    ),
    mutant(
        "MUT-TEN-PG-11",
        "a tenant column was left out of the policy's check, so a row can be handed to a neighbour",
        plant=f"DROP POLICY tenant ON properties; CREATE POLICY tenant ON properties USING ({_MINE}) WITH CHECK (true)",
        revert=f"DROP POLICY IF EXISTS tenant ON properties; CREATE POLICY tenant ON properties USING ({_MINE}) WITH CHECK ({_MINE})",
        holds="SELECT with_check = 'true' FROM pg_policies WHERE tablename = 'properties' AND policyname = 'tenant'",
        controls=(PUT,),
    ),
    mutant(
        "MUT-TEN-PG-12",
        "TRUNCATE was granted with ALL, and no policy applies to it",
        plant="GRANT TRUNCATE ON notifications TO application",
        revert="REVOKE TRUNCATE ON notifications FROM application",
        holds="SELECT has_table_privilege('application', 'notifications', 'TRUNCATE')",
        controls=(DELETE,),
    ),
    mutant(
        "MUT-TEN-PG-13",
        "a view through which rows are written runs with its owner's rights",
        plant="CREATE OR REPLACE VIEW inbox AS SELECT * FROM notifications; GRANT SELECT, INSERT, UPDATE, DELETE ON inbox TO application",
        revert="DROP VIEW IF EXISTS inbox",
        holds="SELECT to_regclass('inbox') IS NOT NULL",
        controls=(READ, CHANGE, PUT, DELETE),
    ),
    mutant(
        "MUT-TEN-PG-14",
        "a trigger marks everybody's notifications as sent whenever a lead changes",
        plant="CREATE OR REPLACE FUNCTION mark_sent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$f$ BEGIN UPDATE public.notifications SET sent_at = now(); RETURN NEW; END $f$; DROP TRIGGER IF EXISTS mark_sent ON leads; "
        "CREATE TRIGGER mark_sent AFTER UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION mark_sent()",
        revert="DROP TRIGGER IF EXISTS mark_sent ON leads; DROP FUNCTION IF EXISTS mark_sent()",
        holds="SELECT count(*) = 1 FROM pg_trigger WHERE tgname = 'mark_sent'",
        controls=(CHANGE,),
    ),
    mutant(
        "MUT-TEN-PG-15",
        "a materialized view keeps everybody's leads, and no policy can be put on it",
        plant="CREATE MATERIALIZED VIEW IF NOT EXISTS newest_leads AS SELECT * FROM leads; GRANT SELECT ON newest_leads TO application",
        revert="DROP MATERIALIZED VIEW IF EXISTS newest_leads",
        holds="SELECT to_regclass('newest_leads') IS NOT NULL",
        controls=(READ,),
    ),
    mutant(
        "MUT-TEN-PG-16",
        "notes on a lead have no tenant's column and no policy, only a reference",
        plant="CREATE TABLE IF NOT EXISTS lead_notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), whose uuid NOT NULL, "
        "lead_id uuid NOT NULL, note text NOT NULL, "
        "FOREIGN KEY (whose, lead_id) REFERENCES leads (organization_id, id) ON DELETE CASCADE); "
        "GRANT SELECT, INSERT, UPDATE, DELETE ON lead_notes TO application",
        revert="DROP TABLE IF EXISTS lead_notes",
        holds="SELECT to_regclass('lead_notes') IS NOT NULL",
        controls=(READ, CHANGE, DELETE),
    ),
    mutant(
        "MUT-TEN-PG-17",
        "an archive inherits the columns of a table, but not its policies",
        plant="CREATE TABLE IF NOT EXISTS leads_archive () INHERITS (leads); GRANT SELECT ON leads_archive TO application",
        revert="DROP TABLE IF EXISTS leads_archive",
        holds="SELECT to_regclass('leads_archive') IS NOT NULL",
        controls=(READ,),
    ),
    mutant(
        "MUT-TEN-PG-18",
        "a view with the right condition has no barrier, so a reader's condition is tried on every row first",
        plant=f"CREATE OR REPLACE VIEW my_leads AS SELECT * FROM leads WHERE {_MINE}; GRANT SELECT ON my_leads TO application",
        revert="DROP VIEW IF EXISTS my_leads",
        holds="SELECT to_regclass('my_leads') IS NOT NULL",
        controls=(READ,),
    ),
)
