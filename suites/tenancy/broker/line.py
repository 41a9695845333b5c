"""A connection to the broker on which every act has a channel of its own, for a refusal closes the channel."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pika
import pika.exceptions

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe.broker import parameters
from suites.tenancy.campaign import OK

if TYPE_CHECKING:
    from collections.abc import Callable

    from pika.adapters.blocking_connection import BlockingChannel

    from constat.stack import Broker, Login

    Talk = Callable[[BlockingChannel], str]

_SHUT: tuple[type[Exception], ...] = (pika.exceptions.AMQPConnectionError, OSError)


class Line:
    """One identity in one virtual host."""

    def __init__(self, broker: Broker, login: Login, vhost: str) -> None:
        """Take who speaks and where; the first act connects."""
        self._parameters = parameters(broker, login, vhost)
        self._connection: pika.BlockingConnection | None = None
        self.who = login.user
        self.vhost = vhost

    def act(self, talk: Talk) -> Answer:
        """Carry it out on a channel of its own; how the server refuses is its answer, how it fails to answer is Unobservable."""
        try:
            channel = self._open().channel()
        except _SHUT:
            self._connection = None
            channel = self._open().channel()
        try:
            shown = talk(channel)
        except pika.exceptions.ChannelClosedByBroker as closed:
            return Answer(kind=f"amqp {closed.reply_code}", shown=closed.reply_text)
        except (pika.exceptions.NackError, pika.exceptions.UnroutableError) as problem:
            return Answer(kind="not taken", shown=str(problem))
        except pika.exceptions.ConnectionClosedByBroker as closed:
            self._connection = None
            return Answer(kind=f"amqp {closed.reply_code}", shown=closed.reply_text)
        except (pika.exceptions.AMQPError, OSError) as problem:
            msg = f"the broker hangs up on {self.who!r} in {self.vhost!r}: {problem!r}"
            raise Unobservable(msg) from None
        with contextlib.suppress(pika.exceptions.AMQPError):
            channel.close()
        return Answer(kind=OK, shown=shown)

    def need(self, talk: Talk) -> str:
        """Carry it out; Unobservable unless it succeeds."""
        answer = self.act(talk)
        if answer.kind != OK:
            msg = f"{self.who!r} cannot do its part in {self.vhost!r}: {answer.kind} {answer.shown}"
            raise Unobservable(msg)
        return answer.shown

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None and self._connection.is_open:
            with contextlib.suppress(pika.exceptions.AMQPError, OSError):
                self._connection.close()
        self._connection = None

    def _open(self) -> pika.BlockingConnection:
        if self._connection is None or not self._connection.is_open:
            try:
                self._connection = pika.BlockingConnection(self._parameters)
            except (pika.exceptions.AMQPError, OSError) as problem:
                msg = f"{self.who!r} cannot enter {self.vhost!r}: {problem!r}"
                raise Unobservable(msg) from None
        return self._connection


def entering(broker: Broker, login: Login, vhost: str) -> Answer:
    """How a user fares who wants to enter a virtual host; the name that was asked for is left out of the answer."""
    try:
        connection = pika.BlockingConnection(parameters(broker, login, vhost))
    except pika.exceptions.ProbableAccessDeniedError as problem:
        return Answer(kind="amqp 530", shown=str(problem).replace(vhost, "…"))
    except pika.exceptions.ProbableAuthenticationError as problem:
        return Answer(kind="amqp 403", shown=str(problem))
    except pika.exceptions.ConnectionClosedByBroker as closed:
        return Answer(kind=f"amqp {closed.reply_code}", shown=closed.reply_text.replace(vhost, "…"))
    except (pika.exceptions.AMQPError, OSError) as problem:
        msg = f"the broker does not answer {login.user!r} who wants to enter {vhost!r}: {problem!r}"
        raise Unobservable(msg) from None
    connection.close()
    return Answer(kind=OK, shown=f"entered {vhost}")
