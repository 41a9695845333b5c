"""The table of operations is complete, and requests go over the wire as they are meant."""

from __future__ import annotations

import datetime

from minio import Minio

from constat.stack import KeyPair, Objects
from suites.tenancy.objects.acts import paths
from suites.tenancy.objects.ground import answered, entries
from suites.tenancy.objects.listings import named
from suites.tenancy.objects.operations import CONFIGURATIONS, ON_OBJECT, SDK_ON_BUCKET, known_methods
from suites.tenancy.objects.wire import Reply, Request, Speaker

STORE = Objects(
    endpoint="https://store:8333",
    ca="",
    admin=KeyPair(access_key="a", secret_key="s"),
    buckets=(),
    service=KeyPair(access_key="b", secret_key="t"),
)


def test_every_method_of_the_sdk_has_an_act() -> None:
    """A method that a new version of the SDK brings is missing here until somebody attacks with it."""
    methods = {name for name in dir(Minio) if not name.startswith("_") and callable(getattr(Minio, name))}

    assert sorted(methods - known_methods()) == []


def test_names_of_operations_are_one_each() -> None:
    """Twins are remembered by name."""
    names = [operation.name for operation in ON_OBJECT]

    assert len(names) == len(set(names))
    assert set(SDK_ON_BUCKET) <= set(CONFIGURATIONS)


def test_a_signature_is_the_one_of_the_specification() -> None:
    """The example of AWS' own documentation, GET with a range, but for its host."""
    keys = KeyPair(access_key="AKIAIOSFODNN7EXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    store = Objects(endpoint="https://examplebucket.s3.amazonaws.com", ca="", admin=keys, buckets=(), service=keys)
    speaker = Speaker.__new__(Speaker)
    speaker._host, speaker._region, speaker._keys, speaker._said = "examplebucket.s3.amazonaws.com", store.region, keys, {}
    request = Request(method="GET", path="/test.txt", headers={"range": "bytes=0-9"})

    signed = speaker.signed(request, "/test.txt", at=datetime.datetime(2013, 5, 24, tzinfo=datetime.UTC))

    assert signed["authorization"].endswith("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")


def test_the_target_is_sent_as_it_is_given() -> None:
    """No part of a path or query is tidied up on the way."""
    request = Request(method="GET", path="/b/t1/../t10/x", query=(("prefix", "t1%2f"), ("acl", "")))

    assert request.target == "/b/t1/../t10/x?prefix=t1%2f&acl"


def test_an_error_inside_of_a_success_is_an_error() -> None:
    """As an answer to the deletion of several objects says it."""
    body = b"<DeleteResult><Error><Key>t10/x</Key><Code>AccessDenied</Code><Message>t10/x is not yours</Message></Error></DeleteResult>"

    answer = answered(Reply(status=200, headers={}, body=body), unnamed=("t10/x",))

    assert (answer.kind, answer.shown) == ("error AccessDenied", "AccessDenied … is not yours")


def test_a_listing_is_read_whatever_its_kind() -> None:
    """Objects, versions, marks, uploads and common prefixes; what is only echoed is not listed."""
    text = (
        "<ListBucketResult><Prefix>t1/</Prefix><Contents><Key>t1/a&amp;b</Key></Contents>"
        "<CommonPrefixes><Prefix>t10/</Prefix></CommonPrefixes><Version><Key>v</Key><VersionId>1</VersionId></Version></ListBucketResult>"
    )

    assert [(entry.kind, entry.key) for entry in entries(text)] == [("Contents", "t1/a&b"), ("CommonPrefixes", "t10/"), ("Version", "v")]


def test_a_listing_of_ones_own_is_no_leak() -> None:
    """Only what lies below the attacker's name, with the slash, is its own."""
    listed = "<Contents><Key>{}</Key></Contents>"
    own, near = (named(answered(Reply(status=200, headers={}, body=listed.format(key).encode())), "t1") for key in ("t1/a", "t10/a"))

    assert (own.kind, own.reached, near.reached) == ("own only", False, True)


def test_every_spelling_is_another_one() -> None:
    """No path is tried twice, and each has the victim's name in some form."""
    found = paths("images", "t1", "t10/x/known")

    assert len(found) == len(set(found)) > 25
