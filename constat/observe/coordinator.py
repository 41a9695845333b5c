"""Facts of the consensus store, asked by its own HTTP API as its administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constat.errors import Unobservable
from constat.observe import http
from constat.observe.http import Certificate

if TYPE_CHECKING:
    import httpx

    from constat.stack import Coordinator


def connect(coordinator: Coordinator, endpoint: str, *, token: str = "") -> httpx.Client:
    """Speak to one member with the clients' certificate; Unobservable when it cannot be read."""
    certificate = Certificate(cert=coordinator.client) if coordinator.client else None
    return http.client(coordinator.ca, endpoint, certificate=certificate, headers={"Authorization": token} if token else None)


def version(coordinator: Coordinator, endpoint: str) -> str:
    """The version that one member runs."""
    with connect(coordinator, endpoint) as client:
        said = http.expect(http.ask(client, "GET", "/version"), what=endpoint).json()
    return str(said["etcdserver"])


def sign_in(coordinator: Coordinator, endpoint: str) -> str:
    """A token of the administrator; Unobservable when the login is refused."""
    said = {"name": coordinator.login.user, "password": coordinator.login.password}
    with connect(coordinator, endpoint) as client:
        answer = http.ask(client, "POST", "/v3/auth/authenticate", value=said)
    return str(http.expect(answer, what=f"sign-in at {endpoint}").json()["token"])


def call(coordinator: Coordinator, method: str, fields: dict[str, Any], *, token: str) -> dict[str, Any]:
    """Call a method of the JSON gateway at the first member that answers; Unobservable when none does, or it refuses."""
    problems = []
    for endpoint in coordinator.endpoints:
        try:
            with connect(coordinator, endpoint, token=token) as client:
                answer = http.ask(client, "POST", f"/v3/{method}", value=fields)
        except Unobservable as problem:
            problems.append(str(problem))
            continue
        return dict(http.expect(answer, what=f"{method} at {endpoint}").json())
    msg = f"no member of the coordinator answers: {'; '.join(problems)}"
    raise Unobservable(msg)


def logins(coordinator: Coordinator) -> tuple[str, ...]:
    """Every login that there is."""
    token = sign_in(coordinator, coordinator.endpoints[0])
    return tuple(str(user) for user in call(coordinator, "auth/user/list", {}, token=token).get("users", ()))
