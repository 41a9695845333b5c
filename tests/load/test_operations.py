"""What is asked, and when an answer is right."""

from __future__ import annotations

import json

import pytest

from load.operations import LEAK, MIX, OK, Operation, Planted, Shot, judge, shot, words_of

WORDS = words_of(Planted("4fc1c4c2-0000-4000-8000-000000000001", "c0ffeew1"), canary="c0ffee", user="t1-agent", password="s3cret")


def filled(name: str) -> Shot:
    """The operation of that name as tenant t1 asks it."""
    row = next(row for row in MIX if row.name == name)
    return shot(row, host="gateway:8443", token="a-token", words=WORDS, foreign=("decaf",))


@pytest.mark.parametrize("row", MIX, ids=lambda row: row.name)
def test_nothing_is_left_to_fill_in(row: Operation) -> None:
    """Every request is complete: no placeholder remains, lengths are right, the token is where it belongs."""
    made = filled(row.name)
    head, _, body = made.wire.partition(b"\r\n\r\n")

    assert b"{canary}" not in made.wire
    assert b"{id}" not in made.wire
    assert head.startswith(f"{row.method} /api/".encode())
    assert (b"Bearer a-token" in head) == row.signed_in
    assert b"Content-Length: %d" % len(body) in head or not body
    assert not body or json.loads(body)
    assert made.shows


def test_a_right_answer_shows_what_was_asked_for() -> None:
    """Status and content must both be right."""
    read = filled("read")
    body = f'{{"id": "{WORDS["id"]}", "title": "c0ffee c0ffeew1"}}'.encode()

    assert judge(read, 200, body) == OK
    assert judge(read, 404, body) == "status 404"
    assert judge(read, 200, b'{"id": "another"}') == "wrong body"
    assert judge(read, 200, b"") == "wrong body"


def test_another_tenants_canary_is_a_leak_whatever_the_status() -> None:
    """A leak is seen in a right answer and in an error alike."""
    read = filled("read")

    assert judge(read, 200, f'{{"id": "{WORDS["id"]}", "x": "c0ffeew1 decaf"}}'.encode()) == LEAK
    assert judge(read, 500, b"decaf") == LEAK
