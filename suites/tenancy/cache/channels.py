"""Channels: what a user hears of another tenant's, by name, by pattern or through the server's own notices, and what it can say there."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from constat import deadlines
from constat.attempt import Answer
from suites.tenancy.cache.acts import DENIED
from suites.tenancy.cache.ground import WORD, Planted
from suites.tenancy.campaign import OK, Act, Tried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.cache.line import Line


def heard(oracle: Line, ear: Line, own: Planted, theirs: Planted, led: tuple[str, ...] = ()) -> Iterator[Tried]:
    """Subscribe in every way; wherever that is let through, the administrator speaks on the victim's channel and touches its key."""
    twins = {verb: _hears_itself(oracle, ear, own, verb) for verb in ("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE")}
    named = [(verb, channel) for channel in led for verb in ("SUBSCRIBE", "SSUBSCRIBE")]
    for verb, channel in (*subscriptions(own.tenant, theirs.tenant), *named):
        answer = ear.ask(verb, channel)
        if answer.kind == OK:
            _speak(oracle, theirs)
            answer = Answer(kind=OK, shown=ear.hear(theirs.content, within=deadlines.CHANNEL_QUIET), reached=True)
        word, twin = twins[verb]
        yield _tried(f"{verb} {channel}", twin, answer, word)


def said(ear: Line, mouth: Line, own: Planted, theirs: Planted, verb: str) -> Tried:
    """Speak on the victim's channel; the twin speaks on its own, and is heard."""
    word, channel = secrets.token_hex(8), f"{own.tenant}:{WORD}"
    ear.ask("SSUBSCRIBE" if verb == "SPUBLISH" else "SUBSCRIBE", channel)
    opened = mouth.ask(verb, channel, word)
    twin = Answer(kind=opened.kind, shown=ear.hear(word, within=deadlines.PROBE_CONNECT))
    return _tried(f"{verb} {theirs.tenant}:{WORD}", twin, mouth.ask(verb, f"{theirs.tenant}:{WORD}", word), word)


def subscriptions(own: str, theirs: str) -> Iterator[tuple[str, str]]:
    """Names and patterns under which another tenant's channel, or the server's notices of its keys, could be heard."""
    for channel in (f"{theirs}:{WORD}", theirs, f"__keyspace@0__:{theirs}:{WORD}:known", "__keyevent@0__:set", "__keyevent@0__:expire"):
        yield "SUBSCRIBE", channel
        yield "SSUBSCRIBE", channel
    wide = ("*", f"{own}*", f"{own[:1]}*", f"{theirs}*", f"{theirs}:*", f"?{theirs[1:]}:*", f"[{theirs[0]}]{theirs[1:]}:*", f"{own}?:*")
    for pattern in (*wide, "__key*__:*", "__keyevent@*__:*", f"__keyspace@0__:{theirs}:*", "__keyspace@0__:*", "__redis__:*"):
        yield "PSUBSCRIBE", pattern


_OWN: Final = {"SUBSCRIBE": f"{{}}:{WORD}", "PSUBSCRIBE": "{}:*", "SSUBSCRIBE": f"{{}}:{WORD}"}


def _hears_itself(oracle: Line, ear: Line, own: Planted, verb: str) -> tuple[str, Answer]:
    """A word that the administrator says on the attacker's own channel, and what is heard of it."""
    word = secrets.token_hex(8)
    opened = ear.ask(verb, _OWN[verb].format(own.tenant))
    if opened.kind != OK:
        return word, opened
    oracle.ask("SPUBLISH" if verb == "SSUBSCRIBE" else "PUBLISH", f"{own.tenant}:{WORD}", word)
    return word, Answer(kind=OK, shown=ear.hear(word, within=deadlines.PROBE_CONNECT))


def _speak(oracle: Line, theirs: Planted) -> None:
    channel = f"{theirs.tenant}:{WORD}"
    oracle.ask_all([("PUBLISH", channel, theirs.content), ("SPUBLISH", channel, theirs.content), ("EXPIRE", theirs.known, "600")])


def _tried(name: str, twin: Answer, answer: Answer, word: str) -> Tried:
    act = Act(name=name, twin=lambda: twin, forbidden=lambda: answer, refusals=DENIED, own=word, reproduction=name)
    return Tried(act=act, twin=twin, answer=answer)
