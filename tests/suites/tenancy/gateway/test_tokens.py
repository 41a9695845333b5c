"""Forged tokens: a careful verifier refuses every one, and each careless one believes at least one."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.types import Options

from constat.outcome import Outcome
from constat.stack import Issuer
from constat.trial import Act
from suites.tenancy.gateway import tokens
from suites.tenancy.gateway.admitting import admitted, outcome_of
from suites.tenancy.gateway.request import Request
from tests.suites.tenancy.gateway.people import reply

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ISSUER = Issuer(signing_key=PEM, issuer="https://issuer", audience="platform")
CLAIMS = {
    "sub": "t1-agent",
    "tenant": "t1",
    "organization_id": "one",
    "iss": "https://issuer",
    "aud": "platform",
    "exp": int(time.time()) + 600,
}
REQUIRED = ["sub", "tenant", "organization_id", "iss", "aud", "exp"]
ASKED = Request(method="GET", path="/")


def own() -> tokens.Genuine:
    """The attacker's own token."""
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "key"}
    token = jwt.encode(CLAIMS, KEY, "RS256", {"kid": "key"})
    who = {"tenant": "t1", "user": "t1-agent", "organization_id": "one"}
    return tokens.genuine(token, mine=who, theirs={"tenant": "t10", "user": "t10-agent", "organization_id": "two"}, jwks={"keys": [jwk]})


def forgeries() -> list[tuple[str, str]]:
    """Every one."""
    genuine = own()
    made = (
        tokens.unsigned(genuine),
        tokens.confused(genuine),
        tokens.stranger(genuine, address="http://127.0.0.1:9"),
        tokens.stale(genuine, ISSUER),
    )
    return [forgery for group in made for forgery in group]


def careful(token: str) -> dict[str, Any]:
    """As a service should."""
    claims: dict[str, Any] = jwt.decode(
        token, KEY.public_key(), ["RS256"], {"require": REQUIRED, "strict_aud": True}, audience="platform", issuer="https://issuer"
    )
    return claims


def believed(verify: Callable[[str], dict[str, Any]]) -> list[str]:
    """Which forgeries a verifier takes."""
    found = []
    for how, token in forgeries():
        try:
            verify(token)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        found.append(how)
    return found


def test_a_careful_verifier_believes_none() -> None:
    """What it believes is the genuine one, and the harness's own by the issuer's key."""
    assert believed(careful) == []
    assert careful(own().token)["tenant"] == careful(tokens.control(own(), ISSUER))["tenant"] == "t1"


@pytest.mark.parametrize(
    ("options", "how"),
    [
        ({"verify_aud": False}, "of the issuer's, another audience"),
        ({"verify_exp": False}, "of the issuer's, expired an hour ago"),
        ({"verify_nbf": False}, "of the issuer's, not valid before tomorrow"),
        ({"verify_iss": False}, "of the issuer's, another issuer"),
        ({"verify_signature": False}, "other claims under one's own signature"),
    ],
)
def test_a_careless_verifier_believes_one(options: dict[str, Any], how: str) -> None:
    """What it does not check is tried."""
    checked = Options(**options)  # type: ignore[typeddict-item]  # one of its keys, by name

    def careless(token: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(token, KEY.public_key(), ["RS256"], checked, audience="platform", issuer="https://issuer")
        return claims

    assert how in believed(careless)


def test_the_wanted_claims_are_the_victims() -> None:
    """Every claim that says who the attacker is says who the victim is."""
    assert own().wanted | {"exp": 0} == CLAIMS | {"sub": "t10-agent", "tenant": "t10", "organization_id": "two", "exp": 0}


@pytest.mark.parametrize(("status", "outcome"), [(401, Outcome.PASS), (200, Outcome.FAIL), (404, Outcome.FAIL), (503, Outcome.ERROR)])
def test_not_finding_is_told_to_those_who_are_in(status: int, outcome: Outcome) -> None:
    """Only the demand for a token keeps somebody out."""
    assert outcome_of(ASKED, reply(status), frozenset())[0] is outcome


def test_one_open_door_is_enough() -> None:
    """The worst of the tries counts, and of none nothing is known."""
    tries = [("no token", ASKED, reply(401)), ("alg none", ASKED, reply(200))]

    assert admitted("door", tries, frozenset(), twin="", changed=(), base="", act=Act.IMPERSONATE).reason.startswith("alg none")
    assert admitted("door", [], frozenset(), twin="", changed=(), base="", act=Act.IMPERSONATE).outcome is Outcome.NOT_REVIEWED
