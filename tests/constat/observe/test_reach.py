"""Probers are told their doors, and what they say is read strictly."""

from __future__ import annotations

import socket
import subprocess

import pytest

from constat.errors import Unobservable
from constat.observe.reach import Door, read, script

A, B = Door("10.244.1.5", 5432), Door("10.244.2.7", 443)


def test_each_vantage_point_has_its_own_doors() -> None:
    """One prober in each network, side by side."""
    told = script({17: [A, B], 21: [B]})

    assert told.count("nsenter") == 2
    assert f"\n{A}\n{B}\nEND" in told
    assert told.rstrip().endswith("wait")


def test_answers_are_kept_apart_by_vantage_point() -> None:
    """Refused, unreachable and silent are shut; connected is open."""
    found = read(f"17 {A} open\n21 {B} 111\n17 {B} silent\n21 {A} 113\n")

    assert found == {17: {A: True, B: False}, 21: {B: False, A: False}}


@pytest.mark.parametrize("line", ["17 10.0.0.1:1 24", "17 10.0.0.1:1 errno24", "nsenter: no such process", "17 10.0.0.1:1"])
def test_whatever_else_is_said_is_no_answer(line: str) -> None:
    """No room for another socket, or no network at all, says nothing of a policy."""
    with pytest.raises(Unobservable):
        read(line)


def test_the_prober_tells_an_open_door_from_a_shut_one() -> None:
    """On this machine's own loopback, without any network of a pod."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        open_door, shut_door = Door(*server.getsockname()), Door(*other.getsockname())
        other.close()
        told = script({1: [open_door, shut_door]}).replace("nsenter --net=/proc/1/ns/net ", "")
        said = subprocess.run(["/bin/sh", "-s"], input=told, capture_output=True, text=True, check=True).stdout

    assert read(said) == {1: {open_door: True, shut_door: False}}
