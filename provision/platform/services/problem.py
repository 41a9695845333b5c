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
    return Problem(503, f"the {what} is not available", ((b"retry-after", b"1"),))


def invalid_token() -> Problem:
    """401: one answer for every way in which a token can be wrong."""
    return unauthorized("the token is not valid")


def not_found() -> Problem:
    """404: the same answer for what is another tenant's and for what nobody has."""
    return Problem(404, "there is no such thing")
