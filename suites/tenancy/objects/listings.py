"""Listings: every kind, with every parameter that could widen it; nothing outside of one's own may be named."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from constat.attempt import Answer
from suites.tenancy.campaign import OK, Act
from suites.tenancy.objects.ground import answered, entries, supported
from suites.tenancy.objects.scene import DENIED
from suites.tenancy.objects.wire import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.objects.scene import Scene

# Kind of listing → how it is asked for, and what it calls the place to begin at.
KINDS: Final[dict[str, tuple[tuple[tuple[str, str], ...], str]]] = {
    "objects": ((), "marker"),
    "objects, second way": ((("list-type", "2"),), "start-after"),
    "versions": ((("versions", ""),), "key-marker"),
    "uploads": ((("uploads", ""),), "key-marker"),
}
_CLOSED: Final = DENIED | {"own only", "nothing"}


def listings(scene: Scene) -> Iterator[Act]:
    """Every listing with every prefix, delimiter and beginning; and the list of buckets."""
    own = scene.own.tenant if scene.own else ""
    for kind, (query, begin) in KINDS.items():
        for added in _widened(own, scene.victim.tenant, scene.victim.folder, begin):
            asked = Request(method="GET", path=f"/{scene.bucket}", query=(*query, *added))
            yield _act(scene, kind, query, asked, own)
    for path in (
        f"/{scene.bucket}/",
        f"//{scene.bucket}",
        f"/{scene.bucket}/{quote(scene.victim.folder)}/",
        f"/{scene.bucket}/{scene.victim.tenant}",
    ):
        yield _act(scene, "objects", (), Request(method="GET", path=path), own)


def _widened(own: str, victim: str, folder: str, begin: str) -> Iterator[tuple[tuple[str, str], ...]]:
    """Prefixes that are not one's own, or look as if they were, each with what else a listing takes."""
    near = (own[:1] or "t", own, f"{own}%2f..%2f{victim}%2f", f"{own}/*", f"{own}*", f"{own}%00") if own else ()
    prefixes = ("", "/", victim, f"{victim}/", quote(folder, safe=""), f"%2f{victim}%2f", victim.upper(), *near)
    yield ()
    for prefix in dict.fromkeys(prefixes):
        yield (("prefix", prefix),)
    for prefix, delimiter in itertools.product(("", f"{victim}/", own), ("/", "0")):
        yield (("prefix", prefix), ("delimiter", delimiter))
    for prefix, after in itertools.product((f"{own}/", f"{victim}/"), (own, f"{own}0", victim, folder)):
        yield (("prefix", prefix), (begin, quote(after, safe="")))
    yield (("prefix", f"{own}/"), ("prefix", f"{victim}/"))
    yield (("prefix", f"{victim}/"), ("prefix", f"{own}/"))
    yield (("Prefix", f"{victim}/"),)
    yield (("prefix", f"{own}/"), ("delimiter", "/"), (begin, f"{own}/"), ("max-keys", "2"), ("allow-unordered", "true"))
    yield (("prefix", f"{victim}/"), ("encoding-type", "url"), ("fetch-owner", "true"), ("max-keys", "5"))


def _act(scene: Scene, kind: str, query: tuple[tuple[str, str], ...], asked: Request, own: str) -> Act:
    def twin() -> Answer:
        if scene.own is not None:
            mine = Request(method="GET", path=f"/{scene.bucket}", query=(*query, ("prefix", f"{scene.own.folder}/")))
            answer = answered(scene.attacker.ask(mine))
            if answer.kind == OK:
                return answer
        return _authorised(scene, query)

    return Act(
        name=f"list {kind} {asked.target.partition('?')[2] or asked.path}",
        twin=lambda: scene.once(f"list {kind}", twin),
        forbidden=lambda: named(answered(scene.attacker.ask(asked)), own),
        refusals=_CLOSED | {"http 400", "http 404", "http 405"},
        reproduction=f"as {scene.who}: {asked}",
    )


def _authorised(scene: Scene, query: tuple[tuple[str, str], ...]) -> Answer:
    reply = scene.authority.speaker.ask(
        Request(method="GET", path=f"/{scene.bucket}", query=(*query, ("prefix", f"{scene.victim.tenant}/")))
    )
    return supported(reply)


def named(answer: Answer, own: str) -> Answer:
    """A listing is refused when it names nothing, or only what lies below the attacker's own name."""
    if answer.kind != OK:
        return answer
    keys = [unquote(entry.key) for entry in entries(answer.shown)]
    foreign = [key for key in keys if not own or not key.startswith(f"{own}/")]
    if foreign:
        return Answer(kind=OK, shown=f"names {foreign[:5]}\n{answer.shown}", reached=True)
    return Answer(kind="own only" if keys else "nothing", shown=answer.shown)
