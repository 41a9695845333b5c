"""What a load run owns for its time: properties of test tenants, planted before and removed after, by the API itself."""

from __future__ import annotations

import contextlib
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx

from constat import deadlines, wait
from constat.errors import NotReady, Unobservable
from load.operations import TITLE, Planted
from load.order import Estate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constat.stack import Gateway, Tenant

PLANTED: Final = 20
_PAGE: Final = 100
_AT_ONCE: Final = 8
_ALL: Final = "/api/properties"
_TRANSIENT: Final = (NotReady, httpx.TransportError)


class Canaries(Protocol):
    """The canaries of a run."""

    def of(self, tenant: str, store: str) -> str:
        """The value planted for that tenant in that store."""


@dataclass(frozen=True)
class Owner:
    """A tenant at the gateway, signed in."""

    client: httpx.Client
    name: str

    def ask(self, method: str, path: str, *, expected: int, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """Ask until it answers as expected; NotReady with the last answer when it does not in time."""
        return wait.until(
            lambda: _answer(self.client, method, path, expected=expected, body=body),
            what=f"{method} {path.split('?', 1)[0]} of {self.name}",
            within=deadlines.LOAD_PLANTED,
            retry=_TRANSIENT,
        )

    def plant(self, canary: str) -> Estate:
        """Create the properties that the load will look for."""
        words = [f"{canary}w{number}" for number in range(PLANTED)]
        created = [self.ask("POST", _ALL, expected=201, body=_draft(canary, word)).json()["id"] for word in words]
        return Estate(canary=canary, planted=tuple(map(Planted, created, words)))

    def remove(self) -> None:
        """Delete every property that a load ever created here; NotReady when some are still there in the end."""
        wait.until(
            self._remove_found,
            what=f"what the load created for {self.name} is removed",
            within=deadlines.LOAD_REMOVED,
            retry=_TRANSIENT,
            holds=lambda found: found == 0,
        )

    def _remove_found(self) -> int:
        found = list(self._found())
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._delete, found))
        return len(found)

    def _delete(self, name: str) -> None:
        answer = self.client.delete(f"{_ALL}/{name}")
        if answer.status_code not in {httpx.codes.NO_CONTENT, httpx.codes.NOT_FOUND}:
            msg = f"DELETE of {name} answered {answer.status_code}"
            raise NotReady(msg)

    def _found(self) -> Iterator[str]:
        after = ""
        while after is not None:
            path = f"{_ALL}?limit={_PAGE}" + (f"&after={after}" if after else "")
            page = self.ask("GET", path, expected=200).json()
            yield from (one["id"] for one in page["items"] if one["title"].startswith(TITLE))
            after = page["after"]


@contextlib.contextmanager
def planted(gateway: Gateway, tenants: Mapping[str, Tenant], canaries: Mapping[str, str]) -> Iterator[dict[str, Estate]]:
    """Plant for every tenant, and remove all that the load created however the run ends.

    Raises Unobservable when the platform does not take the first properties: nothing could be measured.
    """
    with contextlib.ExitStack() as opened:
        owners = {}
        for name, tenant in tenants.items():
            owners[name] = opened.enter_context(_signed_in(gateway, name, tenant))
            opened.callback(owners[name].remove)
        try:
            for owner in owners.values():
                owner.remove()  # of a run that was killed
            estates = {name: owner.plant(canaries[name]) for name, owner in owners.items()}
        except NotReady as problem:
            msg = f"the platform did not take what the load would look for: {problem}"
            raise Unobservable(msg) from None
        yield estates


@contextlib.contextmanager
def _signed_in(gateway: Gateway, name: str, tenant: Tenant) -> Iterator[Owner]:
    context = ssl.create_default_context(cafile=gateway.ca)
    with httpx.Client(base_url=gateway.url, verify=context, timeout=deadlines.SERVICE_ANSWERS, trust_env=False) as client:
        owner = Owner(client, name)
        said = owner.ask("POST", "/api/identity/token", expected=200, body={"user": tenant.api.user, "password": tenant.api.password})
        client.headers["Authorization"] = f"Bearer {said.json()['access_token']}"
        yield owner


def _answer(client: httpx.Client, method: str, path: str, *, expected: int, body: Mapping[str, Any] | None) -> httpx.Response:
    answer = client.request(method, path, json=body)
    if answer.status_code != expected:
        msg = f"answered {answer.status_code}, expected {expected}"
        raise NotReady(msg)
    return answer


def _draft(canary: str, word: str) -> dict[str, Any]:
    return {"title": f"{TITLE} {canary} {word}", "city": "Liège", "price": 250_000}
