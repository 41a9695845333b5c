"""AMQP's login: a SASL mechanism and its response, and what the server makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pika.spec

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe.broker import conversation

if TYPE_CHECKING:
    from constat.observe.broker import Conversation
    from constat.stack import Broker

REFUSED: Final = "access refused"
REFUSALS: Final = frozenset({REFUSED, "closed"})


def log_in(broker: Broker, mechanism: str, response: bytes) -> Answer:
    """Log in by a mechanism; `ok` when the server goes on to negotiate, `access refused`, or `closed`.

    Raises Unobservable when there is no conversation at all.
    """
    try:
        with conversation(broker) as talk:
            talk.hear()
            return _opened(talk, mechanism, response)
    except OSError as problem:
        msg = f"the broker does not answer: {problem}"
        raise Unobservable(msg) from None


def plain(user: str, password: str) -> bytes:
    """The response of the mechanism PLAIN (RFC 4616)."""
    return f"\0{user}\0{password}".encode()


def _opened(talk: Conversation, mechanism: str, response: bytes) -> Answer:
    # Without this capability the server would keep a refused client waiting instead of telling it.
    told = {"capabilities": {"authentication_failure_close": True}}
    talk.say(pika.spec.Connection.StartOk(client_properties=told, mechanism=mechanism, response=response, locale="en_US"))
    try:
        said = talk.hear()
    except OSError as problem:
        return Answer(kind="closed", shown=str(problem))
    if isinstance(said, pika.spec.Connection.Close):
        return Answer(kind=REFUSED, shown=str(said.reply_text))
    return Answer(kind="ok", shown=type(said).__name__)
