"""A stage: a stack whose gateway is the bundled stub, so that the generator can be tried on a known truth."""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx
from pydantic_core import to_json

from constat.stack import STACK_FILE, AppRole, Gateway, KeyPair, Login, Stack, Tenant
from load.certificate import make_certificate
from load.estate import planted
from load.generator import run_load, stub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from load.plan import Plan
    from load.samples import Measured

TENANTS: Final = ("t1", "t10")
_CANARIES: Final = {name: f"c0ffee{name}x" for name in TENANTS}


@dataclass(frozen=True)
class Stubbed:
    """The stack, its run directory and its gateway."""

    stack: Stack
    gateway: Gateway
    pid: int

    def run(self, plan: Plan) -> Measured:
        """Plant, fire, remove."""
        with planted(self.gateway, self.stack.tenants, _CANARIES) as estates:
            return run_load(plan, stack=self.stack, estates=estates)

    def listing(self, name: str) -> list[dict[str, str]]:
        """What a tenant owns."""
        headers = {"Authorization": f"Bearer {self.stack.tenants[name].api.user}"}
        answer = httpx.get(f"{self.gateway.url}/api/properties", headers=headers, verify=ssl.create_default_context(cafile=self.gateway.ca))
        items: list[dict[str, str]] = answer.json()["items"]
        return items


@contextlib.contextmanager
def stubbed(directory: Path, delays: str, *more: str, tls: bool = True) -> Iterator[Stubbed]:
    """Bring it up, and take it down."""
    certificate = make_certificate(directory)
    with stub("--api", delays, *more, certificate=certificate if tls else None) as server:
        gateway = Gateway(url=server.url, plain_url="", ca=str(certificate.cert))
        tenants = {name: tenant(name) for name in TENANTS}
        stack = Stack(
            name="stub", target="stub", provider="embedded", disposable=True, run_dir=str(directory), gateway=gateway, tenants=tenants
        )
        (directory / STACK_FILE).write_bytes(to_json(stack.to_document()))
        yield Stubbed(stack, gateway, server.pid)


def tenant(name: str) -> Tenant:
    """A tenant with an identity at the gateway; the others are never used."""
    login = Login(user=f"{name}-agent", password="irrelevant")  # noqa: S106 - of a stub that lets everybody in
    return Tenant(
        organization_id="11111111-0000-4000-8000-000000000001",
        plan="test",
        api=login,
        objects=KeyPair(access_key="", secret_key=""),
        cache=login,
        broker=login,
        vault=AppRole(role_id="", secret_id=""),
    )
