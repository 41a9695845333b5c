"""Words are found in objects wherever they stand, and a Secret may keep its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from constat.errors import Unobservable
from constat.outcome import Outcome
from suites.kubernetes.test_objects import CANARY, judged, named, searched, text

WORD = b"s3cr3t-s3cr3t-s3cr3t"
KEY = "-----BEGIN PRIVATE KEY-----\n" + "QUJD" * 20 + "\n-----END PRIVATE KEY-----\n"


def config_map(name: str, **data: str) -> dict[str, Any]:
    """An object in which nothing secret belongs."""
    return {"metadata": {"name": name, "namespace": "n"}, "data": data}


@pytest.mark.parametrize(
    ("kind", "entry", "is_found"),
    [
        ("configmaps", config_map("a", url=f"rediss://admin:{WORD.decode()}@cache"), True),
        ("configmaps", config_map("a", tls=KEY), True),
        ("configmaps", config_map("a", harmless="word"), False),
        ("pods", {"metadata": {"name": "p"}, "spec": {"containers": [{"env": [{"name": "A", "value": WORD.decode()}]}]}}, True),
        ("secrets", {"metadata": {"name": "s"}, "data": {"word": WORD.decode()}}, False),
        # As a tool leaves behind what it has applied.
        ("secrets", {"metadata": {"name": "s", "annotations": {"last": json.dumps({"stringData": {"w": WORD.decode()}})}}}, True),
        ("services", {"metadata": {"name": "s", "annotations": {"last": json.dumps({"key": KEY})}}}, True),
    ],
)
def test_a_word_is_found_wherever_it_stands(kind: str, entry: dict[str, Any], is_found: bool) -> None:  # noqa: FBT001 - a table's column
    """In data, in what a pod is told, in annotations and what is packed in them; not where a Secret keeps it."""
    found = {named(kind, entry): text(kind, entry)}

    assert bool(searched(found, frozenset({WORD}))) is is_found


def test_nothing_is_proven_when_the_canary_is_not_found() -> None:
    """A search that finds nothing at all has not searched."""
    name = named("configmaps", config_map(CANARY))

    with pytest.raises(Unobservable):
        list(judged({name: ""}, frozenset()))
    assert [judgement.outcome for judgement in judged({name: "", "pods n/p": ""}, frozenset({name}))] == [Outcome.PASS]


def test_each_object_that_holds_a_word_is_a_failure() -> None:
    """By its name; the word itself is not shown."""
    name = named("configmaps", config_map(CANARY))
    found = list(judged({name: "", "pods n/p": "", "pods n/q": ""}, frozenset({name, "pods n/p"})))

    assert [(judgement.subject, judgement.outcome) for judgement in found] == [("pods n/p", Outcome.FAIL), ("all others", Outcome.PASS)]
