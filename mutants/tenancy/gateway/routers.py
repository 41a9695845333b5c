"""Entries of the gateway that bring credentials of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat import deadlines, wait
from constat.mutant import Mutant, Scope, State
from constat.needed import needed
from constat.observe import http
from mutants.security.files import directory, rewrite

if TYPE_CHECKING:
    from pathlib import Path

    from constat.stack import Gateway, Stack

_ENTRY: Final = "/kx7"
_BEFORE_MIDDLEWARES, _BEFORE_ROUTERS = "    health:\n      replacePath:\n", "  routers:\n"
_SIGN_IN: Final = "/api/identity/token"


def _gateway(stack: Stack) -> Gateway:
    return needed(stack.gateway, "gateway")


def _file(stack: Stack) -> Path:
    return directory(stack, "gateway") / "dynamic.yml"


def _token(stack: Stack) -> str:
    """One of the second tenant's, as an integration would have it."""
    login, gateway = stack.tenants["t10"].api, _gateway(stack)
    with http.client(gateway.ca, gateway.url) as client:
        reply = http.ask(client, "POST", _SIGN_IN, value={"user": login.user, "password": login.password})
    return str(http.expect(reply, what=_SIGN_IN).json()["access_token"])


def _changed(text: str, token: str) -> str:
    middlewares = (
        f'    partner-door:\n      stripPrefix:\n        prefixes: ["{_ENTRY}"]\n'
        f'    partner-pass:\n      headers:\n        customRequestHeaders:\n          Authorization: "Bearer {token}"\n'
    )
    router = (
        f'    partner:\n      entryPoints: [https]\n      rule: "PathPrefix(`{_ENTRY}/`)"\n'
        "      middlewares: [partner-door, partner-pass]\n      service: property\n      tls: {}\n"
    )
    changed = text.replace(_BEFORE_MIDDLEWARES, middlewares + _BEFORE_MIDDLEWARES, 1)
    return changed.replace(_BEFORE_ROUTERS, _BEFORE_ROUTERS + router, 1)


def _is_open(stack: Stack) -> bool:
    gateway = _gateway(stack)
    with http.client(gateway.ca, gateway.url) as client:
        return http.ask(client, "GET", f"{_ENTRY}/api/properties").status == http.OK


def _planted(stack: Stack, state: State) -> None:
    rewrite(_file(stack), _changed(state["text"], _token(stack)))
    wait.until(lambda: _is_open(stack), what="the gateway has the new entry", within=deadlines.SERVICE_ANSWERS, holds=bool)


def _reverted(stack: Stack, state: State) -> None:
    rewrite(_file(stack), state["text"])
    wait.until(
        lambda: _is_open(stack), what="the gateway has let go of the entry", within=deadlines.SERVICE_ANSWERS, holds=lambda it: not it
    )


MUTANTS: Final = (
    Mutant(
        id="MUT-TEN-API-51",
        title="an entry for a partner brings a tenant's token along, so that the partner needs none",
        scope=Scope.COMPONENT,
        controls=("TEN-API-01",),
        prepare=lambda stack: {"text": _file(stack).read_text("utf-8")},
        plant=_planted,
        confirm=lambda stack, _state: _is_open(stack),
        revert=_reverted,
        fingerprint=lambda stack: f"{_is_open(stack)}\n{_file(stack).read_text('utf-8')}",
    ),
)
