"""Copies of a tenant's data that offboarding does not know of."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.gateway.release import Change, released
from mutants.tenancy.postgres.statements import mutant

_CONTROLS: Final = ("TEN-RES-01",)

MUTANTS: Final = (
    mutant(
        "MUT-TEN-RES-01",
        "a history keeps every property as it was, in a table without a tenant's column",
        plant="""
            CREATE SCHEMA constat_history;
            CREATE TABLE constat_history.rows (at timestamptz DEFAULT now(), was text);
            CREATE FUNCTION constat_history.keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
                AS 'BEGIN INSERT INTO constat_history.rows (was) VALUES (NEW::text); RETURN NEW; END';
            CREATE TRIGGER constat_history AFTER INSERT ON properties FOR EACH ROW EXECUTE FUNCTION constat_history.keep()""",
        holds="SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'constat_history')",
        revert="DROP TRIGGER IF EXISTS constat_history ON properties; DROP SCHEMA IF EXISTS constat_history CASCADE",
        controls=_CONTROLS,
    ),
    mutant(
        "MUT-TEN-RES-02",
        "accounts are never deleted, because an auditor once asked who had signed in",
        plant="""
            CREATE FUNCTION authentication.constat_keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER constat_keep BEFORE DELETE ON authentication.accounts
                FOR EACH ROW EXECUTE FUNCTION authentication.constat_keep();
            ALTER TABLE authentication.accounts ENABLE ALWAYS TRIGGER constat_keep""",
        holds="SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'constat_keep')",
        revert="""
            DROP TRIGGER IF EXISTS constat_keep ON authentication.accounts;
            DROP FUNCTION IF EXISTS authentication.constat_keep();
            DELETE FROM authentication.accounts AS account
                WHERE NOT EXISTS (SELECT FROM organizations WHERE organizations.organization_id = account.organization_id)""",
        controls=_CONTROLS,
    ),
    released(
        "MUT-TEN-RES-03",
        "listings are kept for longer under names that do not begin with the tenant's",
        service="property",
        changes=(
            Change(
                file="cache.py",
                before='self._redis.mget(_generation(tenant), f"{tenant}:listing:{name}")',
                after='self._redis.mget(_generation(tenant), f"listing:{tenant}:{name}")',
            ),
            Change(
                file="cache.py",
                before='self._redis.set(f"{tenant}:listing:{name}", generation + listing, ex=SECONDS)',
                after='self._redis.set(f"listing:{tenant}:{name}", generation + listing, ex=90)',
            ),
        ),
        controls=_CONTROLS,
    ),
)
