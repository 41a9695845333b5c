"""S3 as it goes over the wire: requests with targets that no SDK would send, signed or not, and the whole answer."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import hmac
import http.client
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

from constat import deadlines
from constat.errors import Unobservable
from constat.observe.http import trusting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.stack import KeyPair, Objects

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_UNSIGNED: Final = "UNSIGNED-PAYLOAD"
# How servers of this protocol say that what was signed is not what they read.
MISMATCH: Final = b"<Code>SignatureDoesNotMatch</Code>"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked; `path` and the names and values of `query` are sent exactly as they are given."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def target(self) -> str:
        """The path with its query, as it stands in the request line."""
        words = "&".join(name if not value else f"{name}={value}" for name, value in self.query)
        return f"{self.path}?{words}" if words else self.path

    def __str__(self) -> str:
        """The request's line and the headers that make it what it is."""
        return f"{self.method} {self.target}" + "".join(f" [{name}: {value}]" for name, value in self.headers.items())


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body, for people."""
        return self.body.decode(errors="replace")


class Speaker:
    """One identity at the object store, or nobody; each thread has a connection of its own."""

    def __init__(self, objects: Objects, keys: KeyPair | None, *, said: tuple[tuple[str, str], ...] = ()) -> None:
        """Take the store, who speaks (None signs nothing), and headers that every request has besides."""
        self._said = dict(said)
        parts = urlsplit(objects.endpoint)
        self._host, self._address = parts.netloc, (str(parts.hostname), int(parts.port or 443))
        self._context = trusting(objects.ca) if parts.scheme == "https" else None
        self._region = objects.region
        self._keys = keys
        self._local = threading.local()
        self._opened: list[http.client.HTTPConnection] = []

    def ask(self, request: Request) -> Reply:
        """Ask once, signed; when the server reads the path otherwise than it was signed, once more as it reads it."""
        reply = self.send(request, self.signed(request, request.path))
        plain = quote(unquote(request.path), safe="/~")
        if MISMATCH in reply.body and plain != request.path:
            return self.send(request, self.signed(request, plain))
        return reply

    def send(self, request: Request, headers: Mapping[str, str]) -> Reply:
        """Send it with these headers; Unobservable when no answer comes back."""
        was_kept = getattr(self._local, "line", None) is not None
        try:
            return self._exchange(request, headers)
        except (http.client.HTTPException, OSError) as problem:
            self._forget()
            if was_kept:  # the server may have closed it meanwhile, without having read anything
                return self.send(request, headers)
            msg = f"no answer to {request.method} {request.target!r}: {type(problem).__name__}: {problem}"
            raise Unobservable(msg) from None

    def signed(self, request: Request, path: str, *, at: datetime.datetime | None = None) -> dict[str, str]:
        """Every header of the request, with a signature over that path; without keys there is none."""
        now = at or datetime.datetime.now(datetime.UTC)
        digest = hashlib.sha256(request.body).hexdigest()
        headers = {"host": self._host, **self._said, **{name.lower(): value for name, value in request.headers.items()}}
        if self._keys is None:
            return headers
        headers |= {"x-amz-date": _stamp(now), "x-amz-content-sha256": digest}
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
        canonical = "\n".join((request.method, path, _canonical(request.query), lines, names, digest))
        signature = self._signature(canonical, now)
        who = f"{self._keys.access_key}/{self._scope(now)}"
        return headers | {"authorization": f"{_ALGORITHM} Credential={who}, SignedHeaders={names}, Signature={signature}"}

    def presigned(self, request: Request, *, seconds: int, at: datetime.datetime | None = None) -> Request:
        """The request as an address that carries its own signature, good for so many seconds from `at`."""
        assert self._keys is not None  # nobody cannot vouch
        now = at or datetime.datetime.now(datetime.UTC)
        added = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": quote(f"{self._keys.access_key}/{self._scope(now)}", safe=""),
            "X-Amz-Date": _stamp(now),
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
        }
        query = (*request.query, *added.items())
        canonical = "\n".join((request.method, request.path, _canonical(query), f"host:{self._host}\n", "host", _UNSIGNED))
        signed = (*query, ("X-Amz-Signature", self._signature(canonical, now)))
        return Request(method=request.method, path=request.path, query=signed, body=request.body)

    def vouched(self, policy: str, now: datetime.datetime) -> dict[str, str]:
        """The fields of a form by which this identity vouches for an upload policy (base64); none for nobody."""
        if self._keys is None:
            return {}
        key = f"AWS4{self._keys.secret_key}".encode()
        for part in (f"{now:%Y%m%d}", self._region, "s3", "aws4_request", policy):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        who = f"{self._keys.access_key}/{self._scope(now)}"
        return {"x-amz-algorithm": _ALGORITHM, "x-amz-credential": who, "x-amz-date": _stamp(now), "x-amz-signature": key.hex()}

    def _scope(self, now: datetime.datetime) -> str:
        return f"{now:%Y%m%d}/{self._region}/s3/aws4_request"

    def _signature(self, canonical: str, now: datetime.datetime) -> str:
        assert self._keys is not None  # nobody signs nothing
        text = "\n".join((_ALGORITHM, _stamp(now), self._scope(now), hashlib.sha256(canonical.encode()).hexdigest()))
        key = f"AWS4{self._keys.secret_key}".encode()
        for part in (f"{now:%Y%m%d}", self._region, "s3", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key.hex()

    def _exchange(self, request: Request, headers: Mapping[str, str]) -> Reply:
        line = self._line()
        line.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            line.putheader(name, value)
        if request.body or request.method in {"PUT", "POST"}:
            line.putheader("content-length", str(len(request.body)))
        line.endheaders(request.body or None)
        answer = line.getresponse()
        body = answer.read()
        if answer.will_close:
            self._forget()
        return Reply(status=answer.status, headers={name.lower(): value for name, value in answer.getheaders()}, body=body)

    def _line(self) -> http.client.HTTPConnection:
        line: http.client.HTTPConnection | None = getattr(self._local, "line", None)
        if line is None:
            host, port = self._address
            wait = deadlines.SERVICE_ANSWERS
            if self._context is None:
                line = http.client.HTTPConnection(host, port, timeout=wait)
            else:
                line = http.client.HTTPSConnection(host, port, timeout=wait, context=self._context)
            self._local.line = line
            self._opened.append(line)
        return line

    def _forget(self) -> None:
        self._local.line.close()
        self._local.line = None

    def close(self) -> None:
        """Close the connections of all threads."""
        self._local = threading.local()
        while self._opened:
            with contextlib.suppress(OSError):
                self._opened.pop().close()


def _stamp(now: datetime.datetime) -> str:
    return f"{now:%Y%m%dT%H%M%SZ}"


def _canonical(query: tuple[tuple[str, str], ...]) -> str:
    """As the server makes it of what it has read: decoded once, and encoded in the one way that the signature's specification has."""
    read = sorted((quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")) for name, value in query)
    return "&".join(f"{name}={value}" for name, value in read)
