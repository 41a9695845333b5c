"""Locks of web servers: tokens and logins of the secret store, basic authentication, the platform's own sign-in."""

from __future__ import annotations

import base64
import concurrent.futures
import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer
from constat.observe import http, postgres
from constat.observe import vault as vaults
from suites.security import identities
from suites.security.approach import OK, named
from suites.security.locks import DEFAULTS, Lock, guesses
from suites.security.strangers import web
from suites.security.wire.tls import DEMANDED, shake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from constat.stack import Listener, Login, Stack, Vault
    from suites.security.locks import Opens, Pair

# Development servers, manuals and tutorials.
TOKENS: Final = ("root", "myroot", "dev-only-token", "token", "admin", "vault", "00000000-0000-0000-0000-000000000000", "s.root")
_NAMES: Final = ("root", "admin", "vault")
_WITH_PASSWORD: Final = frozenset({"userpass", "ldap", "radius", "okta"})
_UNAUTHORIZED, _FORBIDDEN = 401, 403
# Every guess costs the service tens of milliseconds.
_MOST_ACCOUNTS: Final = 50
_AT_ONCE: Final = 8


def of_vault(stack: Stack) -> Iterator[Lock]:
    """Well-known tokens, and every login of every method that takes a password or a role."""
    if (vault := stack.vault) is None:
        return
    yield _vault_lock(vault, "secret store tokens", tuple((token, "") for token in TOKENS), _token_opens)
    for mount, kind in vaults.auth_methods(vault).items():
        if kind in _WITH_PASSWORD:
            # A real account is locked for everybody after a few wrong passwords: it is for SEC-LOG-02 to declare, and not to be guessed at.
            known = vaults.names(vault, f"auth/{mount}/users")
            pairs = tuple(pair for user in _NAMES if user not in known for pair in guesses(user, "vault") if pair[1])
            yield _vault_lock(vault, f"secret store login {mount}", pairs, functools.partial(_login_opens, mount=mount))
        elif kind == "approle":
            roles = vaults.names(vault, f"auth/{mount}/role")
            pairs = tuple((role, secret) for role in roles for secret in (role, "secret", ""))
            yield _vault_lock(vault, f"secret store roles {mount}", pairs, functools.partial(_role_opens, mount=mount))


def of_web(stack: Stack, ca: str) -> Iterator[Lock]:
    """Every web server that asks for basic authentication, whether or not somebody said that it does."""
    servers = [listener for listener in stack.listeners if listener.protocol in {"https", "http"}]
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="web") as pool:
        asking = list(pool.map(lambda listener: _asks_for_password(listener, ca), servers))
    for listener, path in zip(servers, asking, strict=True):
        if path:
            yield Lock(
                subject=named(listener),
                pairs=(
                    *DEFAULTS["web"],
                    *(pair for name in sorted(identities.at_web_server(stack, listener.node)) for pair in guesses(name)),
                ),
                way=functools.partial(
                    _over, functools.partial(http.client, ca, web.url(listener)), functools.partial(_basic_opens, path=path)
                ),
                twin=functools.partial(web.authorised, stack, ca, listener),
                refusals=frozenset({"http 401", "http 403"}),
            )


def of_accounts(stack: Stack, ca: str) -> Iterator[Lock]:
    """The accounts that the database knows, the tenants' first, and an administrator's; `unguessed` are the others.

    At the service itself, because the gateway counts attempts.
    """
    if (base := stack.services.get("identity")) is None or not stack.tenants:
        return
    login = next(iter(stack.tenants.values())).api
    # Every attempt costs the database tens of milliseconds, by intention.
    accounts = {tenant.api.user: guesses(tenant.api.user, name)[:4] for name, tenant in stack.tenants.items()}
    accounts |= {user: guesses(user)[:4] for user in _others(stack)[:_MOST_ACCOUNTS]}
    for account, pairs in (accounts | {"defaults": (("admin", "admin"), ("admin", "password"), ("root", "root"))}).items():
        yield Lock(
            subject=f"account {account}",
            pairs=pairs,
            way=functools.partial(_over, functools.partial(http.client, ca, base), _account_opens),
            twin=functools.partial(_account_twin, ca, base, login),
            refusals=frozenset({"http 401"}),
        )


def unguessed(stack: Stack) -> tuple[str, ...]:
    """Accounts that nobody guesses at, because there are more than can be tried in the time."""
    if "identity" not in stack.services or not stack.tenants:
        return ()
    return tuple(f"account {name}" for name in _others(stack)[_MOST_ACCOUNTS:])


def _others(stack: Stack) -> list[str]:
    tenants = {tenant.api.user for tenant in stack.tenants.values()}
    return sorted(postgres.accounts(stack.postgres) - tenants) if stack.postgres else []


def _vault_lock(vault: Vault, subject: str, pairs: tuple[Pair, ...], opens: Callable[..., Answer]) -> Lock:
    def twin() -> Answer:
        with vaults.connect(vault) as client:
            return _token_opens(client, vault.admin_token, "")

    way = functools.partial(_over, functools.partial(vaults.connect, vault), opens)
    return Lock(subject=subject, pairs=pairs, way=way, twin=twin, refusals=frozenset({"http 400", "http 403"}))


@contextmanager
def _over(connect: Callable[[], httpx.Client], opens: Callable[..., Answer]) -> Iterator[Opens]:
    """Every pair over the same connection."""
    with connect() as client:
        yield functools.partial(opens, client)


def _token_opens(client: httpx.Client, token: str, _: str) -> Answer:
    return web.succeeds(http.ask(client, "GET", "auth/token/lookup-self", headers={"X-Vault-Token": token}))


def _login_opens(client: httpx.Client, user: str, guess: str, *, mount: str) -> Answer:
    return web.succeeds(http.ask(client, "POST", f"auth/{mount}/login/{user}", value={"password": guess}))


def _role_opens(client: httpx.Client, role: str, guess: str, *, mount: str) -> Answer:
    return web.succeeds(http.ask(client, "POST", f"auth/{mount}/login", value={"role_id": role, "secret_id": guess}))


def _account_opens(client: httpx.Client, user: str, guess: str) -> Answer:
    return web.succeeds(http.ask(client, "POST", web.SIGN_IN, value={"user": user, "password": guess}))


def _account_twin(ca: str, base: str, login: Login) -> Answer:
    with http.client(ca, base) as client:
        return _account_opens(client, login.user, login.password)


def _asks_for_password(listener: Listener, ca: str) -> str:
    """A path at which the server asks for basic authentication; nothing when it does not."""
    if listener.tls and shake(listener, ca).kind == DEMANDED:
        return ""
    with http.client(ca, web.url(listener)) as client:
        for method, path in (("GET", "/"), ("GET", "/api/whoami"), ("DELETE", "/switchover")):
            reply = http.ask(client, method, path)
            if reply.status == _UNAUTHORIZED and "basic" in reply.headers.get("www-authenticate", "").lower():
                return f"{method} {path}"
    return ""


def _basic_opens(client: httpx.Client, user: str, guess: str, *, path: str) -> Answer:
    method, _, where = path.partition(" ")
    told = base64.b64encode(f"{user}:{guess}".encode()).decode()  # RFC 7617
    reply = http.ask(client, method, where, headers={"Authorization": f"Basic {told}"})
    # Whatever else it complains about, it has believed the password.
    return Answer(kind=f"http {reply.status}" if reply.status in {_UNAUTHORIZED, _FORBIDDEN} else OK, shown=f"answers {reply.status}")
