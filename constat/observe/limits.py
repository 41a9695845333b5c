"""A bound for what a server may take to answer, also when it has stopped without a word."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

from constat import deadlines

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg


@contextlib.contextmanager
def broken_off(connection: psycopg.Connection[Any], *, seconds: float = deadlines.STATEMENT_DONE) -> Iterator[None]:
    """Break the connection off when the block takes longer: the statement then fails with psycopg.OperationalError.

    A server that is frozen keeps no timeout of its own, and its kernel goes on saying that it has heard.
    """
    timer = threading.Timer(seconds, _hang_up, args=(connection,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: psycopg.Connection[Any]) -> None:
    if connection.closed:
        return
    with socket.socket(fileno=os.dup(connection.fileno())) as line, contextlib.suppress(OSError):  # it may have ended meanwhile
        line.shutdown(socket.SHUT_RDWR)
