"""What the pooler runs with, by its own console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from constat.observe.postgres import ask

if TYPE_CHECKING:
    from constat.settings import Settings
    from constat.stack import Postgres

# What a database has at the moment, not what it is told.
_COUNTED: Final = frozenset({"current_connections", "current_client_connections", "paused", "disabled"})


def settings(postgres: Postgres) -> Settings:
    """Every setting, and where each database leads; a database that is paused or disabled serves nobody, and is said."""
    who = "the pooler's console"
    said = {str(row["key"]): str(row["value"]) for row in ask(postgres.pooler_admin_dsn, "SHOW CONFIG", who=who)}
    for row in ask(postgres.pooler_admin_dsn, "SHOW DATABASES", who=who):
        said |= _database(row)
    return said


def _database(row: dict[str, Any]) -> Settings:
    told = {name: value for name, value in row.items() if name not in _COUNTED}
    return {f"database {row['name']}.{name}": str(value) for name, value in told.items()} | {
        f"database {row['name']}.{name}": str(row[name]) for name in ("paused", "disabled") if row.get(name)
    }
