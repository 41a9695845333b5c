"""Orders: what the command line says counts more than the file, and the command's own section more than the general one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constat.errors import Unobservable
from constat.observe import orders
from constat.observe.replication import Archiving
from constat.stack import PostgresNode

if TYPE_CHECKING:
    from pathlib import Path


def archiving(command: str, folder: Path) -> orders.Orders:
    """What a server with that archive command archives with."""
    seen = Archiving(node="one", mode="on", command=command, timeout_seconds=60, waiting_seconds=0)
    return orders.archiving(seen, PostgresNode(name="one", data_directory=str(folder), host="127.0.0.1", port=1), is_local=False)


def test_the_most_particular_word_counts(tmp_path: Path) -> None:
    """File, section of the command, command line; what is said of other commands does not count."""
    path = tmp_path / "tool.conf"
    path.write_text("[global]\na=1\nb=1\nc=1\nd=1\n[global:archive-push]\nb=2\n[main]\nc=3\n[main:backup]\nd=9\n", "utf-8")

    found = archiving(f'timeout 30 /usr/bin/pgbackrest --config={path} --stanza=main --a=4 --no-e --f archive-push "%p"', tmp_path)

    assert {name: found.options[name] for name in "abcdef"} == {"a": "4", "b": "2", "c": "3", "d": "1", "e": "n", "f": "y"}


def test_a_stop_is_seen(tmp_path: Path) -> None:
    """`pgbackrest stop` leaves a file in the directory of locks."""
    path = tmp_path / "tool.conf"
    path.write_text(f"[global]\nlock-path={tmp_path}\n", "utf-8")
    (tmp_path / "main.stop").touch()

    assert archiving(f"pgbackrest --config={path} --stanza=main", tmp_path).forbidden == (str(tmp_path / "main.stop"),)


def test_a_command_without_a_file_has_no_orders(tmp_path: Path) -> None:
    """Nobody looks for the tool's defaults."""
    assert "config" not in archiving("cp %p /elsewhere/%f", tmp_path).options


@pytest.mark.parametrize("command", ['pgbackrest "%p', "pgbackrest --config=/nowhere/x.conf --stanza=main"])
def test_orders_that_cannot_be_read_are_unobservable(command: str, tmp_path: Path) -> None:
    """Never no orders."""
    with pytest.raises(Unobservable):
        archiving(command, tmp_path)
