"""The instrument without a platform: writers that are refused say so, and never more than they know."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos.history import Told, read_history
from chaos.instrument import Instrument, writing
from constat import wait
from constat.stack import AppRole, KeyPair, Login, Postgres, Stack, Tenant
from tests.chaos.worlds import TENANTS

if TYPE_CHECKING:
    from pathlib import Path


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


def stack(tmp_path: Path, dsn: str) -> Stack:
    """A stack whose application path is that."""
    postgres = Postgres(
        **dict.fromkeys(("admin_dsn", "app_dsn", "migrator_dsn", "backup_dsn", "replica_dsn", "replication_dsn", "pooler_admin_dsn"), ""),
        pooler_dsn=dsn,
        database="viridial",
        context_setting="app.organization_id",
        tenant_column="organization_id",
        nodes=(),
        ca="",
    )
    nobody = {"api": Login(user="", password=""), "cache": Login(user="", password=""), "broker": Login(user="", password="")}
    tenants = {
        name: Tenant(
            organization_id=organization,
            plan="test",
            objects=KeyPair(access_key="", secret_key=""),
            vault=AppRole(role_id="", secret_id=""),
            **nobody,
        )
        for name, organization in TENANTS.items()
    }
    return Stack(
        name="made-up", target="made-up", provider="none", disposable=False, run_dir=str(tmp_path), postgres=postgres, tenants=tenants
    )


def test_a_refused_write_is_a_definite_failure(tmp_path: Path) -> None:
    """When nobody listens, nothing was sent: every write failed, none is unknown, and the reason is kept."""
    dsn = f"postgresql://app@127.0.0.1:{closed_port()}/viridial"
    path = tmp_path / "history.jsonl"
    with writing(stack(tmp_path, dsn), tuple(TENANTS), path, prefix="drill-x") as instrument:
        wait.until(lambda: len(instrument.recording.so_far().operations), what="writes", within=5, holds=lambda number: number >= 16)

    history = read_history(path)

    assert {write.told for write in history.operations} == {Told.FAIL}
    assert {write.tenant for write in history.operations} == set(TENANTS)
    assert all("refused" in write.reason for write in history.operations)
    assert instrument.problems() == ()


def test_each_tenant_has_four_writers_with_numbers_of_their_own(tmp_path: Path) -> None:
    """Eight writers write for two tenants, and each counts from nought without a gap."""
    dsn = f"postgresql://app@127.0.0.1:{closed_port()}/viridial"
    with writing(stack(tmp_path, dsn), tuple(TENANTS), tmp_path / "history.jsonl", prefix="drill-x") as instrument:
        wait.until(lambda: len(instrument.recording.so_far().operations), what="writes", within=5, holds=lambda number: number >= 24)
    numbers: dict[str, list[int]] = {}
    for write in instrument.recording.so_far().operations:
        numbers.setdefault(write.writer, []).append(write.seq)

    assert sorted(numbers) == sorted(f"drill-x-{tenant}-{number}" for tenant in TENANTS for number in range(4))
    assert all(found == list(range(len(found))) for found in numbers.values())


def test_a_writer_that_dies_makes_the_instrument_say_so(tmp_path: Path) -> None:
    """A writer with a DSN that is none cannot go on; the drill is told."""
    with writing(stack(tmp_path, "postgresql://app@[broken/viridial"), ("t1",), tmp_path / "history.jsonl", prefix="drill-x") as instrument:
        wait.until(lambda: len(instrument.recording.so_far().operations), what="writes", within=5, holds=lambda number: number >= 4)

    history = instrument.recording.so_far()

    assert history.ended is not None
    assert {write.told for write in history.operations} == {Told.FAIL}


def test_a_ledger_needs_a_database(tmp_path: Path) -> None:
    """Without a database there is nothing to write to."""
    with pytest.raises(ValueError, match="needs a database"):
        Instrument(replace(stack(tmp_path, ""), postgres=None), ("t1",), tmp_path / "history.jsonl", prefix="drill-x")
