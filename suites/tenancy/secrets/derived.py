"""Places that only a rule names: for every path of every policy there is a secret of the victim's where the path would lead."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

from constat.observe import http
from suites.tenancy.secrets.ground import WORD, Planted, Speaker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PATH: Final = re.compile(r'path\s+"([^"]+)"')


def rules(oracle: Speaker) -> tuple[str, ...]:
    """Every path of every policy that the server has, the administrator's too."""
    found = []
    for name in oracle.need("LIST", "sys/policies/acl")["data"]["keys"]:
        if name != "root":
            found += _PATH.findall(str(oracle.need("GET", f"sys/policies/acl/{name}")["data"]["policy"]))
    return tuple(sorted(set(found)))


def places(patterns: Iterable[str], mount: str, tenants: Iterable[str], victim: str) -> Iterator[str]:
    """The secrets of the victim's that the patterns lead to, its name in each place of a tenant's name or of any name.

    A path of the engine is `mount/verb/secret`; one that names no place of the victim's is left out.
    """
    known = {victim, *tenants}
    seen: set[str] = set()
    for pattern in patterns:
        start, _, rest = pattern.partition("/")
        _, _, secret = rest.partition("/")
        parts = [victim if part in known or part == "+" else part for part in secret.removesuffix("*").split("/")]
        if start not in {mount, "+"} or victim not in parts:
            continue
        tail = f"{parts[-1]}{WORD}" if secret.endswith("*") else parts[-1]
        place = "/".join([*parts[:-1], tail] if tail else parts[:-1])
        if place not in seen:
            seen.add(place)
            yield place


def plant(oracle: Speaker, mount: str, tenant: str, place: str) -> Planted | None:
    """Two versions of a secret there; None where something real is already, which is not touched."""
    if oracle.ask("GET", f"{mount}/metadata/{place}").status == http.OK and not _left_behind(oracle, mount, place):
        return None
    planted = Planted(mount=mount, tenant=tenant, content=f"c{secrets.token_hex(12)}", name="", place=place)
    for _ in range(2):
        oracle.need("POST", f"{mount}/data/{place}", {"data": {"canary": planted.content}})
    return planted


def _left_behind(oracle: Speaker, mount: str, place: str) -> bool:
    """Whether an interrupted run has planted it: nothing else has a canary and nothing but it."""
    reply = oracle.ask("GET", f"{mount}/data/{place}")
    return reply.status == http.OK and set(reply.json()["data"]["data"]) == {"canary"}


def remove(oracle: Speaker, planted: Iterable[Planted]) -> None:
    """Take them away with all their versions."""
    for item in planted:
        oracle.ask("DELETE", f"{item.mount}/metadata/{item.known}")
