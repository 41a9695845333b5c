"""The redactor: no secret of any kind, in any spelling, comes through."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.redact import SHORTEST, Redactor

SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=SHORTEST, max_size=60)
SURROUNDINGS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


@given(SECRETS, SURROUNDINGS, SURROUNDINGS)
def test_a_known_secret_never_comes_through(secret: str, before: str, after: str) -> None:
    """A known secret is masked wherever it stands in a text."""
    assert secret not in Redactor([secret]).text(f"{before} {secret} {after}")


@given(SECRETS)
def test_its_other_spellings_do_not_either(secret: str) -> None:
    """As a URL, as JSON, as hexadecimal and inside Base64 it is masked too."""
    clean = Redactor([secret])

    for spelling in (urllib.parse.quote(secret, safe=""), json.dumps(secret)[1:-1], secret.encode().hex()):
        assert spelling not in clean.text(f"x={spelling};")


@given(SECRETS, st.binary(min_size=0, max_size=6))
def test_basic_authorization_is_masked(secret: str, user: bytes) -> None:
    """A password inside an HTTP Basic header is masked at whatever offset it starts."""
    header = base64.b64encode(user + b":" + secret.encode()).decode()

    assert header not in Redactor([secret]).text(f"Authorization: Basic {header}")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://app:hunter2hunter2@127.0.0.1:5432/db",
        "host=127.0.0.1 user=app password=hunter2hunter2 dbname=db",
        "host=127.0.0.1 password='hunter2hunter2' dbname=db",
        "Authorization: Bearer hunter2hunter2",
        "token eyJhbGciOiJSUzI1NiJ9.eyJodW50ZXIyaHVudGVyMiI6MX0.c2ln",
        "-----BEGIN EC PRIVATE KEY-----\nhunter2hunter2\n-----END EC PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhunter2hunter2 and the file was cut",
        "X-Vault-Token: s.hunter2hunter2hunter2hunter2",
    ],
)
def test_what_is_shaped_like_a_secret_is_masked_unknown(text: str) -> None:
    """Passwords in DSNs, bearer tokens, JWTs, keys and vault tokens are masked without being known."""
    shown = Redactor().text(text)

    assert "hunter2" not in shown
    assert "eyJodW50ZXIy" not in shown


def test_values_are_masked_at_every_depth() -> None:
    """Keys and values of nested JSON are masked, other values stay."""
    clean = Redactor(["s3cr3t-s3cr3t"])

    assert clean.value({"s3cr3t-s3cr3t": [1, None, True, {"a": "s3cr3t-s3cr3t"}]}) == {"«redacted»": [1, None, True, {"a": "«redacted»"}]}


def test_ordinary_text_stays_as_it_is() -> None:
    """What is no secret is not touched."""
    text = "relation public.properties: 12 rows; SQLSTATE 42501; https://127.0.0.1:20000/health"

    assert Redactor(["s3cr3t-s3cr3t"]).text(text) == text


def test_a_secret_within_a_longer_secret_leaves_nothing() -> None:
    """When one secret is part of another, the longer is masked whole."""
    clean = Redactor(["abcdefgh", "abcdefghijkl"])

    assert clean.text("abcdefghijkl") == "«redacted»"
