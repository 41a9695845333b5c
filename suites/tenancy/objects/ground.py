"""Where the attack on the object store happens: canaries in each bucket, and the administrator who sees what is really there."""

from __future__ import annotations

import html
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from constat.attempt import Answer
from constat.errors import Unobservable
from suites.tenancy.campaign import OK, UNSUPPORTED
from suites.tenancy.objects.operations import ATTACK
from suites.tenancy.objects.wire import Reply, Request, Speaker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from suites.tenancy.objects.operations import Operation

# Every key that the suite makes has this word in it, so that what an interrupted run has left is found.
WORD: Final = "constat-tenancy"
_ENTRY: Final = re.compile(r"<(Version|DeleteMarker|Upload|Contents|CommonPrefixes)>(.*?)</\1>", re.DOTALL)
_FIELD: Final = re.compile(r"<(Key|Prefix|VersionId|UploadId|ETag|IsLatest)>(.*?)</\1>", re.DOTALL)
_CODE: Final = re.compile(r"<Code>(.*?)</Code>")
_MESSAGE: Final = re.compile(r"<Message>(.*?)</Message>")
_FOUND: Final = 200
_REDIRECTS: Final = 300
_SILENT: Final = frozenset({"date", "server", "x-amz-request-id", "x-amz-id-2", "accept-ranges", "vary", "connection"})
# The server has not got the operation: nobody can do it.
_NOT_THERE: Final = frozenset({"NotImplemented", "MethodNotAllowed"})


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of a listing: a version, a mark of deletion, an upload, an object or a common prefix."""

    kind: str
    key: str
    version: str = ""
    upload: str = ""
    etag: str = ""
    latest: str = ""


def entries(text: str) -> tuple[Entry, ...]:
    """What a listing of any kind lists."""
    found = []
    for kind, inner in _ENTRY.findall(text):
        fields = dict(reversed(_FIELD.findall(inner)))
        found.append(
            Entry(
                kind=kind,
                key=html.unescape(fields.get("Key") or fields.get("Prefix", "")),
                version=fields.get("VersionId", ""),
                upload=fields.get("UploadId", ""),
                etag=fields.get("ETag", ""),
                latest=fields.get("IsLatest", ""),
            )
        )
    return tuple(found)


def at(bucket: str, key: str) -> str:
    """The path of a key, whatever characters it has."""
    return f"/{bucket}/{quote(key, safe='/')}"


def answered(reply: Reply, *, unnamed: Iterable[str] = ()) -> Answer:
    """The whole answer; an error inside of a success is an error, and the names that were asked for are left out of it."""
    code = _CODE.search(reply.text)
    if reply.status < _REDIRECTS and code is None:
        headers = "".join(f"{name}: {value}\n" for name, value in reply.headers.items() if name not in _SILENT)
        return Answer(kind=OK, shown=headers + reply.text)
    message = _MESSAGE.search(reply.text)
    shown = f"{code[1] if code else ''} {message[1] if message else ''}".strip()
    for name in unnamed:
        shown = shown.replace(name, "…")
    kind = f"http {reply.status}" if reply.status >= _REDIRECTS else f"error {code[1] if code else ''}"
    return Answer(kind=kind, shown=shown)


@dataclass(kw_only=True)
class Planted:
    """What one tenant has in one bucket for the attack; `known` is a key that the attacker is told, `hidden` is not."""

    tenant: str
    folder: str
    content: str
    name: str
    version: str = ""
    upload: str = ""

    @property
    def known(self) -> str:
        """The key that the attacker is told."""
        return f"{self.folder}/known"

    @property
    def hidden(self) -> str:
        """The key whose name only a listing gives away."""
        return f"{self.folder}/{self.name}"

    @property
    def uploading(self) -> str:
        """The key of an upload that is not complete."""
        return f"{self.folder}/uploading"


class Admin:
    """The oracle: reads, plants, mends and sweeps with full rights."""

    def __init__(self, speaker: Speaker) -> None:
        """Take the administrator's way in."""
        self._speaker = speaker

    def ask(self, method: str, path: str, *query: tuple[str, str], body: bytes = b"") -> Reply:
        """Ask, whatever comes back."""
        return self._speaker.ask(Request(method=method, path=path, query=query, body=body))

    def need(self, method: str, path: str, *query: tuple[str, str], body: bytes = b"") -> Reply:
        """Ask; Unobservable unless it succeeds."""
        reply = self.ask(method, path, *query, body=body)
        if reply.status >= _REDIRECTS:
            msg = f"the administrator's {method} {path} {query} answers {reply.status}: {reply.text[:200]}"
            raise Unobservable(msg)
        return reply

    def versions(self, bucket: str, prefix: str) -> tuple[Entry, ...]:
        """Every version below a prefix, at most what one page holds."""
        return entries(self.need("GET", f"/{bucket}", ("versions", ""), ("prefix", prefix), ("max-keys", "1000")).text)

    def uploads(self, bucket: str, prefix: str) -> tuple[Entry, ...]:
        """Every unfinished upload below a prefix."""
        return entries(self.need("GET", f"/{bucket}", ("uploads", ""), ("prefix", prefix)).text)

    def buckets(self) -> tuple[str, ...]:
        """Every bucket that there is."""
        return tuple(re.findall(r"<Bucket>.*?<Name>(.*?)</Name>", self.need("GET", "/").text, re.DOTALL))

    def plant(self, bucket: str, tenant: str, owner: Speaker | None, *, folder: str = "") -> Planted:
        """Plant as the tenant where it may, else as the administrator; in the folder that is asked for."""
        where = folder or f"{tenant}/{WORD}/{secrets.token_hex(4)}"
        planted = Planted(tenant=tenant, folder=where, content=_canary(), name=_canary())
        by = Admin(owner) if owner is not None else self
        for key in (planted.hidden, planted.known):
            by.need("PUT", at(bucket, key), body=f"{planted.content} {key.rpartition('/')[2][:1]}".encode())
        self.begin_upload(bucket, planted, by)
        planted.version = next((e.version for e in self.versions(bucket, planted.known)), "")
        return planted

    def begin_upload(self, bucket: str, planted: Planted, by: Admin | None = None) -> None:
        """Begin an upload that nobody completes, and send its first part."""
        reply = (by or self).need("POST", f"/{bucket}/{planted.uploading}", ("uploads", ""))
        match = re.search(r"<UploadId>(.*?)</UploadId>", reply.text)
        planted.upload = match[1] if match else ""
        (by or self).need("PUT", f"/{bucket}/{planted.uploading}", ("partNumber", "1"), ("uploadId", planted.upload), body=ATTACK)

    def state(self, bucket: str, planted: Planted) -> str:
        """Everything of the tenant's in the bucket, as text: versions, uploads, and the content and tags of what was planted."""
        path = f"/{bucket}/{planted.known}"
        lines = [f"{e.kind} {e.key} {e.version} {e.etag} {e.latest}" for e in self.versions(bucket, f"{planted.tenant}/")]
        lines += [f"upload {e.key} {e.upload}" for e in self.uploads(bucket, f"{planted.tenant}/")]
        shown, tags = self.ask("GET", path), self.ask("GET", path, ("tagging", ""))
        lines += [
            f"{what} {reply.status} {reply.text[:300] if reply.status == _FOUND else ''}"
            for what, reply in (("content", shown), ("tags", tags))
        ]
        return "\n".join(lines)

    def mend(self, bucket: str, planted: Planted, baseline: frozenset[tuple[str, str]]) -> None:
        """Remove what was not there before, and plant anew what is gone."""
        for entry in self.versions(bucket, f"{planted.tenant}/"):
            if entry.kind != "CommonPrefixes" and (entry.key, entry.version) not in baseline:
                self.ask("DELETE", at(bucket, entry.key), ("versionId", entry.version))
        for entry in self.uploads(bucket, f"{planted.tenant}/"):
            if entry.upload != planted.upload:
                self.ask("DELETE", at(bucket, entry.key), ("uploadId", entry.upload))
        left = {entry.key for entry in self.versions(bucket, planted.folder)}
        for key in {planted.hidden, planted.known} - left:
            self.need("PUT", at(bucket, key), body=f"{planted.content} {key.rpartition('/')[2][:1]}".encode())
        self.ask("DELETE", f"/{bucket}/{planted.known}", ("tagging", ""))
        if not any(entry.upload == planted.upload for entry in self.uploads(bucket, planted.folder)):
            self.begin_upload(bucket, planted)
        planted.version = next((e.version for e in self.versions(bucket, planted.known)), "")

    def baseline(self, bucket: str, planted: Planted) -> frozenset[tuple[str, str]]:
        """Every version of the tenant's that is there now."""
        return frozenset((entry.key, entry.version) for entry in self.versions(bucket, f"{planted.tenant}/"))

    def sweep(self, bucket: str) -> None:
        """Remove every version and upload that has the suite's word in its key, whoever made it and where."""
        for prefix in ("", *{f"{e.key.partition('/')[0]}/{WORD}" for e in self.versions(bucket, "")}):
            for entry in self.versions(bucket, prefix):
                if WORD in entry.key:
                    self.ask("DELETE", at(bucket, entry.key), ("versionId", entry.version))
        for entry in self.uploads(bucket, ""):
            if WORD in entry.key:
                self.ask("DELETE", at(bucket, entry.key), ("uploadId", entry.upload))


@dataclass(kw_only=True)
class Authority:
    """The administrator as permitted twin, in a bucket of the suite's own, for what no tenant may do even to its own."""

    speaker: Speaker
    admin: Admin
    bucket: str
    content: str
    seen: dict[str, Answer] = field(default_factory=dict)

    def twin(self, operation: Operation) -> Answer:
        """How the administrator fares with the operation; asked once."""
        if operation.name not in self.seen:
            self.seen[operation.name] = self._ask(operation)
        return self.seen[operation.name]

    def _ask(self, operation: Operation) -> Answer:
        planted = Planted(tenant=WORD, folder=f"{WORD}/{secrets.token_hex(4)}", content=self.content, name="x")
        self.admin.need("PUT", f"/{self.bucket}/{planted.known}", body=self.content.encode())
        planted.version = next((e.version for e in self.admin.versions(self.bucket, planted.known)), "")
        key = planted.known
        if any("{upload}" in value for _, value in operation.query):
            self.admin.begin_upload(self.bucket, planted)
            key = planted.uploading
        reply = self.speaker.ask(operation.on(f"/{self.bucket}/{key}", version=planted.version, upload=planted.upload))
        return let_in(operation, supported(reply))


def let_in(operation: Operation, answer: Answer) -> Answer:
    """An answer that the server gives only once it has looked at the object is as good as success."""
    if answer.kind in operation.lets_in or answer.shown.partition(" ")[0] in operation.lets_in:
        return Answer(kind=OK, shown=answer.shown)
    return answer


def supported(reply: Reply) -> Answer:
    """The administrator's answer; what the server has not got, or says about the object and not about the right, is told apart."""
    answer = answered(reply)
    code = answer.shown.partition(" ")[0]
    if answer.kind != OK and (code in _NOT_THERE or reply.status in {405, 501}):
        return Answer(kind=UNSUPPORTED, shown=answer.shown)
    return answer


def _canary() -> str:
    return f"c{secrets.token_hex(12)}"
