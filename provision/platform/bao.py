"""The secret store's API: how the platform's administrator speaks to it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

import httpx

from constat.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provision.platform.component import Site

NODE: Final = "vault"
ADMIN: Final = "admin"
ANSWER_SECONDS: Final = 10.0


def administration(site: Site) -> httpx.Client:
    """Speak to the secret store as its administrator."""
    return connect(site, token=site.recall(f"vault/{ADMIN}") or "")


def connect(site: Site, *, token: str) -> httpx.Client:
    """Speak to the secret store with a token, or with none when it is empty."""
    return httpx.Client(
        base_url=f"https://{site.address(NODE, 'api')}/v1/",
        headers={"X-Vault-Token": token} if token else {},
        verify=ssl.create_default_context(cafile=site.ca_path),
        timeout=ANSWER_SECONDS,
        trust_env=False,
    )


def ask(client: httpx.Client, method: str, path: str, fields: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Call the API; TargetError with the server's complaint unless it succeeds."""
    answer = client.request(method, path, json=fields) if fields is not None else client.request(method, path)
    expect(answer)
    return dict(answer.json()) if answer.content else {}


def read(client: httpx.Client, path: str) -> dict[str, Any]:
    """The data at a path; TargetError when there is none."""
    return dict(ask(client, "GET", path)["data"])


def write(client: httpx.Client, path: str, **fields: object) -> dict[str, Any]:
    """Write fields to a path; what the server answers."""
    return ask(client, "POST", path, fields)


def mount(client: httpx.Client, path: str, *, within: str = "sys/mounts", **fields: object) -> None:
    """Mount an engine or an auth method, unless something is mounted there."""
    if f"{path}/" not in read(client, within):
        write(client, f"{within}/{path}", **fields)


def keys(client: httpx.Client, method: str, path: str) -> list[str]:
    """Name what is below a path; the server says 404, or names nothing, when nothing is."""
    answer = client.request(method, path)
    if answer.status_code == httpx.codes.NOT_FOUND:
        return []
    expect(answer)
    return [str(key) for key in answer.json()["data"].get("keys", ())]


def expect(answer: httpx.Response) -> None:
    """Raise TargetError with the server's complaint unless it succeeded."""
    if not answer.is_success:
        asked = f"{answer.request.method} {answer.request.url.path!r}"
        msg = f"secret store refuses {asked}: {answer.status_code} {answer.text.strip()}; its audit log says more"
        raise TargetError(msg)
