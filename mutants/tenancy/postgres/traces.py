"""Keys, counters and messages that tell of another tenant."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.postgres.statements import mutant

_KEYS, _TRACES = ("TEN-PG-10",), ("TEN-PG-11",)

MUTANTS: Final = (
    mutant(
        "MUT-TEN-PG-60",
        "a reference is unique over all tenants",
        plant="ALTER TABLE properties DROP CONSTRAINT IF EXISTS reference_once; "
        "ALTER TABLE properties ADD CONSTRAINT reference_once UNIQUE (reference)",
        revert="ALTER TABLE properties DROP CONSTRAINT IF EXISTS reference_once",
        holds="SELECT count(*) = 1 FROM pg_constraint WHERE conname = 'reference_once'",
        controls=_KEYS,
    ),
    mutant(
        "MUT-TEN-PG-61",
        "a document refers to a lead by its id alone",
        plant="ALTER TABLE leads ADD CONSTRAINT lead_once UNIQUE (id); ALTER TABLE documents ADD COLUMN lead_id uuid REFERENCES leads (id)",
        revert="ALTER TABLE documents DROP COLUMN IF EXISTS lead_id; ALTER TABLE leads DROP CONSTRAINT IF EXISTS lead_once",
        holds="SELECT count(*) = 1 FROM pg_constraint WHERE conname = 'lead_once'",
        controls=_KEYS,
    ),
    mutant(
        "MUT-TEN-PG-62",
        "an address may be given once, whoever's lead it is, by an index over an expression",
        plant="CREATE UNIQUE INDEX IF NOT EXISTS lead_address ON leads (lower(email))",
        revert="DROP INDEX IF EXISTS lead_address",
        holds="SELECT to_regclass('lead_address') IS NOT NULL",
        controls=_KEYS,
    ),
    mutant(
        "MUT-TEN-PG-63",
        "leads have numbers from one counter for all tenants, and services may read it",
        plant="CREATE SEQUENCE IF NOT EXISTS lead_numbers; ALTER TABLE leads ADD COLUMN number bigint DEFAULT nextval('lead_numbers'); "
        "GRANT SELECT, USAGE ON SEQUENCE lead_numbers TO application",
        revert="ALTER TABLE leads DROP COLUMN IF EXISTS number; DROP SEQUENCE IF EXISTS lead_numbers",
        holds="SELECT to_regclass('lead_numbers') IS NOT NULL",
        controls=_TRACES,
    ),
    mutant(
        "MUT-TEN-PG-64",
        "a view for the front page counts everybody's rows",
        plant="CREATE OR REPLACE VIEW figures AS SELECT count(*) AS leads, max(created_at) AS newest FROM leads; "
        "GRANT SELECT ON figures TO application",
        revert="DROP VIEW IF EXISTS figures",
        holds="SELECT to_regclass('figures') IS NOT NULL",
        controls=_TRACES,
    ),
    mutant(
        "MUT-TEN-PG-65",
        "a trigger announces every new lead with its content",
        plant="CREATE OR REPLACE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$f$ BEGIN PERFORM pg_notify('new_lead', NEW.email); RETURN NEW; END $f$; DROP TRIGGER IF EXISTS announce ON leads; "
        "CREATE TRIGGER announce AFTER INSERT ON leads FOR EACH ROW EXECUTE FUNCTION announce()",
        revert="DROP TRIGGER IF EXISTS announce ON leads; DROP FUNCTION IF EXISTS announce()",
        holds="SELECT count(*) = 1 FROM pg_trigger WHERE tgname = 'announce'",
        controls=_TRACES,
    ),
    mutant(
        "MUT-TEN-PG-66",
        "a journal of changes has no tenant, and the services may read it",
        plant="CREATE TABLE IF NOT EXISTS journal (at timestamptz NOT NULL DEFAULT now(), line text NOT NULL); "
        "CREATE OR REPLACE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$f$ BEGIN INSERT INTO public.journal (line) VALUES (TG_OP); RETURN NEW; END $f$; DROP TRIGGER IF EXISTS keep ON properties; "
        "CREATE TRIGGER keep AFTER INSERT ON properties FOR EACH ROW EXECUTE FUNCTION keep(); GRANT SELECT ON journal TO application",
        revert="DROP TRIGGER IF EXISTS keep ON properties; DROP FUNCTION IF EXISTS keep(); DROP TABLE IF EXISTS journal",
        holds="SELECT to_regclass('journal') IS NOT NULL",
        controls=_TRACES,
    ),
)
