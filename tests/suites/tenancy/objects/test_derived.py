"""Where the store's own rules lead, what a request must say for them, and what a key pair may reach."""

from __future__ import annotations

import json

import pytest

from constat.outcome import Outcome
from suites.tenancy.objects import pairs
from suites.tenancy.objects.derived import Rule, disguises, folders, stated
from suites.tenancy.objects.ground import WORD
from suites.tenancy.objects.pairs import Used


@pytest.mark.parametrize(
    ("resource", "folder"),
    [
        ("documents/t10/reports/*", f"t10/reports/{WORD}"),
        ("documents/*/shared/*", f"t10/shared/{WORD}"),
        ("documents/t1*/a/*/b/*", f"t10/a/{WORD}/b/{WORD}"),
        ("*/t10/reports/*", f"t10/reports/{WORD}"),
        ("documents/t10/*", None),
        ("documents/t2/reports/*", None),
        ("images/t10/reports/*", None),
        ("documents/${aws:username}/a/*", None),
    ],
)
def test_a_rule_leads_to_a_folder_of_the_victims(resource: str, folder: str | None) -> None:
    """Elsewhere than usual, in that bucket, and nobody else's."""
    assert folders([Rule(resources=(resource,))], "documents", "t10") == ((folder,) if folder else ())


def test_a_policy_is_read_in_all_its_forms() -> None:
    """One statement or several, a resource or what it is not, and the conditions that a client can meet."""
    said = {"StringLike": {"aws:Referer": ["https://app.example/*"]}, "IpAddress": {"aws:SourceIp": "10.1.0.0/16"}}
    one = {"Effect": "Allow", "NotAction": "s3:PutObject", "NotResource": "arn:aws:s3:::documents/t1/*", "Condition": said}
    refused = {"Effect": "Deny", "Resource": "*"}

    assert list(stated(json.dumps({"Statement": one}))) == [
        Rule(resources=("documents/t1/*",), headers=(("referer", "https://app.example/constat"), ("x-forwarded-for", "10.1.0.1")))
    ]
    assert list(stated(json.dumps({"Statement": [refused]}))) == []


def test_what_must_be_said_is_said_once() -> None:
    """A prefix that a listing asks for is no disguise."""
    known = [
        rule
        for text in 2 * [{"StringLike": {"s3:prefix": "a"}}]
        for rule in stated(json.dumps({"Statement": {"Effect": "Allow", "Condition": text}}))
    ]

    assert disguises([*known, *2 * [Rule(resources=(), headers=(("referer", "x"),))]]) == ((("referer", "x"),),)


@pytest.mark.parametrize(
    ("used", "outcome"),
    [
        (Used(name="backup", reached=(), tried=4), Outcome.PASS),
        (Used(name="backup", reached=(), tried=0), Outcome.ERROR),
        (Used(name="service", reached=(("t10", "read in documents"),), tried=4), Outcome.FAIL),
        (Used(name="t1", reached=(("t1", "read in documents"),), tried=4), Outcome.PASS),
        (Used(name="t1", reached=(("t10", "list in documents"),), tried=4), Outcome.FAIL),
    ],
)
def test_a_key_pair_that_nobody_declares_reaches_nothing(used: Used, outcome: Outcome) -> None:
    """But what is of the tenant whose name it has."""
    assert pairs.judge(used).outcome is outcome
