"""Meilisearch's adapter against a small fake of it: a careful one passes, and each careless one is noticed."""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from constat.observe.meilisearch import Key
from constat.outcome import Outcome
from constat.stack import Search
from suites.tenancy.search.meilisearch import Server, attacked
from tests.suites.tenancy.gateway.people import pair

if TYPE_CHECKING:
    from constat.judgement import Judgement

MASTER = "the master key of the engine"
SEARCH = Key(uid="11111111-2222-4333-8444-555555555555", secret="the key of searches")
MINE, THEIRS, _ = pair()


@dataclass
class Fake:
    """Documents of one index, the tokens that it believes, and what it is careless about."""

    careless: str = ""
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer as the engine does."""
        path, body = request.url.path, json.loads(request.content or b"null")
        token = request.headers["authorization"].removeprefix("Bearer ")
        if token == MASTER:
            return self._administrate(path, body)
        if path.endswith(("/search", "/multi-search")) and (allowed := self._rule(token)) is not None:
            return self._search(path, body, allowed)
        if self.careless == "key" and token == SEARCH.secret:
            return httpx.Response(200, json={})
        return httpx.Response(403, json={"message": "The provided API key is invalid."})

    def _administrate(self, path: str, body: Any) -> httpx.Response:
        if path.endswith("/documents"):
            self.documents |= {one["id"]: one for one in body}
        elif path.endswith("/delete-batch"):
            self.documents = {name: one for name, one in self.documents.items() if name not in body}
        elif path.startswith("/tasks"):
            return httpx.Response(200, json={"status": "succeeded"})
        elif path.endswith("/search"):
            return self._search(path, body, "")
        return httpx.Response(202, json={"taskUid": 1})

    def _search(self, path: str, body: Any, allowed: str) -> httpx.Response:
        query = body["queries"][0] if "queries" in body else body
        if self.careless == "override" and query.get("filter"):
            allowed = ""
        if self.careless == "multi" and path == "/multi-search":
            allowed = ""
        hits = [one for one in self.documents.values() if allowed in one["organization_id"] and query["q"].rstrip("*") in one["title"]]
        said = {"hits": hits, "query": query["q"]}
        return httpx.Response(200, json={"results": [said]} if path == "/multi-search" else said)

    def _rule(self, token: str) -> str | None:
        """The organization that a token's rule names; None when the token is not believed."""
        head, claims, signature = [*token.split("."), "", ""][:3]
        if not claims or (said := _decoded(claims))["apiKeyUid"] != SEARCH.uid:
            return None
        if self.careless != "expiry" and said["exp"] < time.time():
            return None
        if self.careless != "signature" and signature != _signed(f"{head}.{claims}"):
            return None
        match = re.search("= '(.+?)'", str(said["searchRules"]))
        return match[1] if match else ""


def _decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def _signed(plain: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(SEARCH.secret.encode(), plain.encode(), "sha256")).rstrip(b"=").decode()


def attack(fake: Fake) -> Judgement:
    """The attack on the fake."""
    transport = httpx.MockTransport(fake.answer)
    with (
        httpx.Client(transport=transport, base_url="http://search", headers={"Authorization": f"Bearer {MASTER}"}) as admin,
        httpx.Client(transport=transport, base_url="http://search") as anybody,
    ):
        search = Search(kind="meilisearch", url="http://search", key=MASTER)
        return attacked(Server(search=search, admin=admin, anybody=anybody, key=SEARCH), "properties", (MINE, THEIRS))


def test_a_careful_engine_passes_and_is_left_as_it_was() -> None:
    """Own documents are found, the other's are there and are not, and both are removed."""
    fake = Fake()

    said = attack(fake)

    assert (said.outcome, fake.documents) == (Outcome.PASS, {}), said.reason


@pytest.mark.parametrize("careless", ["override", "multi", "expiry", "signature", "key"])
def test_a_careless_engine_is_noticed(careless: str) -> None:
    """A rule that a filter overrides, an endpoint that forgets it, tokens that are not checked, a key that may too much."""
    assert attack(Fake(careless=careless)).outcome is Outcome.FAIL


def test_an_engine_that_forgets_what_is_planted_proves_nothing() -> None:
    """Where nothing can be found, not finding it is no proof."""

    class Forgetful(Fake):
        """Keeps no document."""

        def _administrate(self, path: str, body: Any) -> httpx.Response:
            answer = super()._administrate(path, body)
            self.documents = {}
            return answer

    assert attack(Forgetful()).outcome is Outcome.ERROR
