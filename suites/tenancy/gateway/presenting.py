"""How a token is presented that should not count: forged, in odd places, beside a genuine one; and who fetches what it points at."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.gateway.naming import Variation
    from suites.tenancy.gateway.request import Request
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.tokens import Forgery


def forged(base: Request, tokens: Iterator[Forgery]) -> Iterator[Variation]:
    """Each token as the bearer's."""
    for how, token in tokens:
        yield how, _saying(base, ("Authorization", f"Bearer {token}"))


def oddly(base: Request, mine: Resident, theirs: Resident, made_up: str) -> Iterator[Variation]:
    """No token, or one where it should not count; `made_up` says that it is the other tenant's."""
    names = (("X-Tenant-ID", theirs.tenant), ("X-Organization-ID", theirs.organization_id), ("X-Tenant-Plan", theirs.plan))
    yield "no token", base
    yield "no token, but every tenant header", _saying(base, *names, ("X-User", theirs.user), ("X-Forwarded-User", theirs.user))
    yield "no token, but the gateway's own address", _saying(base, *names, ("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1"))
    yield "an empty token", _saying(base, ("Authorization", "Bearer"))
    yield "a made-up token", _saying(base, ("Authorization", "Bearer e30.e30.e30"))
    for scheme in ("Basic", "Token", "JWT", "Negotiate", ""):
        yield f"one's own token as {scheme or 'no scheme'}", _saying(base, ("Authorization", f"{scheme} {mine.token}".strip()))
    for header in ("X-Forwarded-Authorization", "X-Access-Token", "X-Auth-Token", "X-Forwarded-Access-Token", "Proxy-Authorization"):
        yield f"a made-up token as {header}", _saying(base, (header, f"Bearer {made_up}"))
    yield "a made-up token as a cookie", _saying(base, ("Cookie", f"access_token={made_up}; token={made_up}; session={made_up}"))
    yield "a made-up token in the query", dataclasses.replace(base, query=(*base.query, ("access_token", made_up), ("token", made_up)))
    yield (
        "a made-up token before one's own",
        _saying(base, ("Authorization", f"Bearer {made_up}"), ("Authorization", f"Bearer {mine.token}")),
    )
    yield (
        "a made-up token after one's own",
        _saying(base, ("Authorization", f"Bearer {mine.token}"), ("Authorization", f"Bearer {made_up}")),
    )
    yield "both tokens in one header", _saying(base, ("Authorization", f"Bearer {mine.token}, Bearer {made_up}"))


class Asked:
    """How often somebody fetched something from the attacker's address."""

    def __init__(self) -> None:
        """Nobody has yet."""
        self.paths: list[str] = []


@contextlib.contextmanager
def attackers_address() -> Iterator[tuple[str, Asked]]:
    """An address of the attacker's on this machine alone, which counts who asks it for keys."""
    asked = Asked()

    class Counter(BaseHTTPRequestHandler):
        """Answers nothing of use."""

        def do_GET(self) -> None:
            """Count."""
            asked.paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Counter) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def _saying(base: Request, *pairs: tuple[str, str]) -> Request:
    return dataclasses.replace(base, headers=(*base.headers, *pairs))
