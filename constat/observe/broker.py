"""Facts of the message broker: how it greets its clients, its users, the paths of its management API."""

from __future__ import annotations

import contextlib
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pika
import pika.exceptions
import pika.frame
import pika.spec

from constat import deadlines
from constat.errors import Unobservable
from constat.observe import http

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from constat.stack import Broker, Login

# AMQP 0-9-1, 4.2.2.
_HEADER: Final = b"AMQP\x00\x00\x09\x01"
_LONGEST: Final = 65536
_DOCUMENTED: Final = re.compile(r'<td class="path">(.*?)</td>', re.DOTALL)
_PLACE: Final = re.compile(r"<i>.*?</i>")


@dataclass(frozen=True, kw_only=True)
class Greeting:
    """What the server says of itself before anybody has logged in."""

    version: str
    mechanisms: tuple[str, ...]


class Conversation:
    """The opening of an AMQP connection, frame by frame: clients hide what a stranger gets to see."""

    def __init__(self, connection: socket.socket) -> None:
        """Take a connection that has just been opened, and say hello."""
        self._connection = connection
        self._received = b""
        connection.sendall(_HEADER)

    def hear(self) -> Any:
        """The next method that the server sends; OSError when it hangs up instead."""
        while True:
            try:
                taken, frame = pika.frame.decode_frame(self._received)
            except pika.exceptions.AMQPError as problem:
                raise OSError(str(problem)) from None
            if frame is not None:
                self._received = self._received[taken:]
                return getattr(frame, "method", frame)
            if not (more := self._connection.recv(_LONGEST)):
                msg = "the server has closed the connection"
                raise OSError(msg)
            self._received += more

    def say(self, method: Any) -> None:
        """Send a method on the connection's own channel."""
        self._connection.sendall(pika.frame.Method(0, method).marshal())


@contextlib.contextmanager
def conversation(broker: Broker) -> Iterator[Conversation]:
    """Open a connection; OSError when that is not possible."""
    parts = urlsplit(broker.amqp_url)
    with contextlib.ExitStack() as opened:
        address = (str(parts.hostname), int(parts.port or 0))
        line: socket.socket = opened.enter_context(socket.create_connection(address, timeout=deadlines.PROBE_CONNECT))
        if parts.scheme == "amqps":
            line = opened.enter_context(http.trusting(broker.ca).wrap_socket(line, server_hostname=parts.hostname))
        yield Conversation(line)


def greeting(broker: Broker) -> Greeting:
    """What the server says first; Unobservable when it says nothing of the kind."""
    try:
        with conversation(broker) as talk:
            said = talk.hear()
    except OSError as problem:
        msg = f"the broker does not greet: {problem}"
        raise Unobservable(msg) from None
    if not isinstance(said, pika.spec.Connection.Start):
        msg = f"the broker greets with {said!r}, expected Connection.Start"
        raise Unobservable(msg)
    properties = said.server_properties or {}
    return Greeting(version=_text(properties.get("version", "")), mechanisms=tuple(_text(said.mechanisms).split()))


def management(broker: Broker) -> httpx.Client:
    """Speak to the management API as the administrator."""
    return http.client(broker.ca, broker.management_url, login=(broker.admin.user, broker.admin.password))


def users(broker: Broker) -> tuple[str, ...]:
    """Every user that there is."""
    with management(broker) as client:
        return tuple(str(user["name"]) for user in http.expect(http.ask(client, "GET", "/api/users"), what="/api/users").json())


def fetched(broker: Broker, login: Login, queue: str, word: str, *, vhost: str, at_most: int = 10_000) -> bool:
    """Whether a queue has a message with that word, as its owner gets it; that one is taken out, the others go back.

    Raises Unobservable when the owner cannot get at it, or it is deeper than `at_most`.
    """
    try:
        with contextlib.closing(pika.BlockingConnection(parameters(broker, login, vhost))) as connection:
            channel = connection.channel()
            for _ in range(at_most):
                delivered, _, body = channel.basic_get(queue)
                if delivered is None:
                    return False
                if word.encode() in body:
                    channel.basic_ack(delivered.delivery_tag)
                    return True
    except (pika.exceptions.AMQPError, OSError) as problem:
        msg = f"{login.user!r} cannot fetch from queue {queue!r}: {problem!r}"
        raise Unobservable(msg) from None
    msg = f"queue {queue!r} is deeper than {at_most} messages: nobody empties it"
    raise Unobservable(msg)


def parameters(broker: Broker, login: Login, vhost: str) -> pika.ConnectionParameters:
    """How to log in to a virtual host."""
    parts = urlsplit(broker.amqp_url)
    return pika.ConnectionParameters(
        host=parts.hostname,
        port=parts.port,
        virtual_host=vhost,
        credentials=pika.PlainCredentials(login.user, login.password),
        ssl_options=pika.SSLOptions(http.trusting(broker.ca), parts.hostname) if parts.scheme == "amqps" else None,
        # Whoever looks does not answer heartbeats meanwhile.
        heartbeat=0,
        socket_timeout=deadlines.PROBE_CONNECT,
        blocked_connection_timeout=deadlines.SERVICE_ANSWERS,
    )


def api_paths(broker: Broker, *, name: str, vhost: str = "") -> tuple[str, ...]:
    """Every path of the management API by the server's own documentation, `name` standing for whatever a path asks for."""
    with management(broker) as client:
        page = http.expect(http.ask(client, "GET", "/api/index.html"), what="the API's documentation").text
    found = {path for cell in _DOCUMENTED.findall(page) for path in _paths(cell, vhost or broker.vhost, name)}
    if not found:
        msg = "the documentation of the management API names no path"
        raise Unobservable(msg)
    return tuple(sorted(found))


def _paths(cell: str, vhost: str, name: str) -> Iterator[str]:
    for line in cell.split("<br/>"):
        plain = re.sub(r"<em>.*?</em>", "", line).strip()
        if plain.startswith("/api"):
            yield _PLACE.sub(name, plain.replace("<i>vhost</i>", vhost))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
