"""What a service refuses, in words that say nothing of its inside (RFC 9457)."""

from __future__ import annotations


class Problem(Exception):
    """A request that is not answered as asked: HTTP status, title, and extra headers."""

    def __init__(self, status: int, title: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        """Take what the client may know."""
        super().__init__(status, title)
        self.status = status
        self.title = title
        self.headers = headers


def unauthorized(title: str) -> Problem:
    """401: who asks is not known."""
    return Problem(401, title, ((b"www-authenticate", b"Bearer"),))


def forbidden(title: str) -> Problem:
    """403: who asks is known, and may not."""
    return Problem(403, title)


def unavailable(what: str) -> Problem:
    """503: a server behind the service does not answer; worth trying again in a second."""
    return Problem(503, f"{what} is not available", ((b"retry-after", b"1"),))


NOT_FOUND = (404, "there is no such thing")


def not_found() -> Problem:
    """404: the same answer for what is another tenant's and for what nobody has."""
    return Problem(*NOT_FOUND)
