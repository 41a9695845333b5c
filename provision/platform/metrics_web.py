"""The TLS and the login that servers of Prometheus' family share, and how they say that they are ready."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import bcrypt
import httpx

from constat.errors import NotReady
from provision.platform.component import File
from provision.platform.rendering import render

if TYPE_CHECKING:
    from provision.platform.component import Site

WEB_CONFIG: Final = "web.config.yml"
ANSWER_SECONDS: Final = 3.0


@dataclass(frozen=True)
class WebLogin:
    """A user of a web interface, and the name of the secret that is its password."""

    user: str
    secret: str


ADMIN: Final = WebLogin("admin", "metrics/admin")
SCRAPER: Final = WebLogin("scraper", "metrics/scraper")


def web_config(site: Site, node: str, login: WebLogin) -> File:
    """The file that gives a node's web interface TLS and its one login."""
    content = render(
        "prometheus/web.config.yml.j2",
        certificate=site.certificate(node),
        user=login.user,
        password_hash=_hashed(site.secret(login.secret), site.secret(f"{login.secret}/salt")),
    )
    return File(node=node, path=WEB_CONFIG, content=content)


def url(site: Site, node: str) -> str:
    """Where the node's web interface answers."""
    return f"https://{site.address(node, 'web')}"


def greet(site: Site, node: str) -> None:
    """Shake hands with a node's web interface as its certificate says; OSError while nobody listens."""
    address = site.address(node, "web")
    with (
        socket.create_connection((address.host, address.port), timeout=ANSWER_SECONDS) as connection,
        _trusting(site).wrap_socket(connection, server_hostname=address.host),
    ):
        pass


def ask(site: Site, node: str, path: str, *, login: WebLogin) -> None:
    """Ask for a path of a node's web interface; NotReady unless it answers 200."""
    answer = httpx.get(
        url(site, node) + path,
        auth=(login.user, site.secret(login.secret)),
        verify=_trusting(site),
        timeout=ANSWER_SECONDS,
        trust_env=False,
    )
    if answer.status_code != httpx.codes.OK:
        msg = f"node {node!r} answers {answer.status_code} on {path!r}, expected 200; its log says why"
        raise NotReady(msg)


def _trusting(site: Site) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=site.ca_path)


def _hashed(password: str, salt: str) -> str:
    """Hash for the server, at the lowest cost: the password is long and random.

    The salt is kept, because a hash that differs at every call would restart the server.
    """
    spelled = salt[:21].translate(str.maketrans("-_", "./")) + "."
    return bcrypt.hashpw(password.encode(), f"$2b$04${spelled}".encode()).decode()
