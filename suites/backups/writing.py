"""What a restore is tried with: rows of the tenants by the application's path, on both sides of a moment, and gone afterwards."""

from __future__ import annotations

import contextlib
import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg

from constat import deadlines, entries, wait
from constat.errors import HarnessError, Unobservable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.entries import Entry
    from constat.stack import Backups, Objects, Postgres, Stack

FAMILY: Final = "pitr-"
ROWS: Final = 40  # on each side of the target, for each tenant
# The target lies this far from the nearest write on either side, or three times the clocks' difference if that is more; seconds.
GAP: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Platform:
    """The parts that a restore is about."""

    postgres: Postgres
    backups: Backups
    objects: Objects
    run_dir: str
    tenants: dict[str, str]  # name → organization id


def platform_of(stack: Stack, tenants: tuple[str, ...]) -> Platform:
    """The parts of a stack; HarnessError where the control has not declared its needs."""
    if stack.postgres is None or stack.backups is None or stack.objects is None:
        msg = "a restore was started on a stack without database, backups or objects; its control must declare its needs"
        raise HarnessError(msg)
    return Platform(
        postgres=stack.postgres,
        backups=stack.backups,
        objects=stack.objects,
        run_dir=stack.run_dir,
        tenants={tenant: stack.tenants[tenant].organization_id for tenant in tenants},
    )


def write(connection: entries.Connection, platform: Platform, writer: str) -> dict[str, tuple[Entry, ...]]:
    """Write rows of every tenant; what was acknowledged, by tenant."""
    found: dict[str, tuple[Entry, ...]] = {}
    for tenant, organization in platform.tenants.items():
        previous = entries.FIRST
        for seq in range(ROWS):
            entry = entries.seal(organization, writer=f"{writer}-{tenant}", seq=seq, previous_hash=previous)
            entries.append(connection, platform.postgres, entry)
            previous = entry.payload_hash
            found[tenant] = (*found.get(tenant, ()), entry)
    return found


def server_time(postgres: Postgres) -> datetime.datetime:
    """The primary's own clock, in UTC: commits are stamped with it, so the target is chosen by it."""
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    if row is None:
        msg = "the server does not tell the time"
        raise Unobservable(msg)
    moment: datetime.datetime = row[0]
    return moment.astimezone(datetime.UTC)


def skew(postgres: Postgres) -> float:
    """An upper bound of how far the server's clock is from the harness's, in seconds."""
    before = datetime.datetime.now(datetime.UTC)
    moment = server_time(postgres)
    after = datetime.datetime.now(datetime.UTC)
    return max(abs((moment - before).total_seconds()), abs((after - moment).total_seconds()))


@contextlib.contextmanager
def cleaned(postgres: Postgres) -> Iterator[None]:
    """Leave no row behind, neither of this run nor of one that was killed."""
    _remove(postgres)
    try:
        yield
    finally:
        wait.until(lambda: _remove(postgres), what="the rows are removed", within=deadlines.LEDGER_READ, retry=entries.REFUSED, every=0.5)


def _remove(postgres: Postgres) -> int:
    with entries.connect(postgres.admin_dsn) as operator:
        return entries.remove(operator, prefix=FAMILY)
