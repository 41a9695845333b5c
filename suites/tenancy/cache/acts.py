"""What a user of the cache could do with every command that the server has: to another tenant's keys, and without any key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer
from constat.observe.commands import PLACE
from suites.tenancy.cache.line import SWITCHED_OFF
from suites.tenancy.campaign import OK, UNSUPPORTED, Act, Tried

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from constat.observe.commands import Command
    from suites.tenancy.cache.line import Line

DENIED: Final = frozenset({"noperm"})
# What is said about oneself or to oneself; each touches no key, no channel and no other connection.
ABOUT_ONESELF: Final = frozenset(
    {"acl|whoami", "auth", "client|getname", "client|id", "client|info", "client|reply", "client|setinfo", "client|setname"}
    | {"command", "command|count", "command|docs", "command|getkeys", "command|getkeysandflags", "command|info", "command|list"}
    | {"discard", "echo", "exec", "hello", "lolwut", "multi", "ping", "quit", "reset", "select", "time", "unwatch"}
    | {"client|no-evict", "client|trackinginfo", "client|getredir", "readonly", "readwrite", "asking", "wait"}
)
# Attacked with listeners on both sides, in a control of their own.
ON_CHANNELS: Final = frozenset(
    {"publish", "spublish", "subscribe", "ssubscribe", "psubscribe", "unsubscribe", "sunsubscribe", "punsubscribe"}
)
# They would end the connection on which the others are tried.
_ENDING: Final = frozenset({"quit", "reset"})


@dataclass(frozen=True, kw_only=True)
class Call:
    """A command with the victim's key in one place, and the attacker's own in the others."""

    command: Command
    words: tuple[str, ...]
    own: tuple[str, ...]
    # The server takes the word in that place as a key; else it is a pattern or part of one.
    on_key: bool = True

    @property
    def name(self) -> str:
        """As findings call it."""
        return " ".join(self.words)


def aimed(commands: Sequence[Command], *, own: str, theirs: str) -> Iterator[tuple[Command, tuple[str, ...], tuple[str, ...]]]:
    """Every template with the victim's key in each of its places in turn, and the same with nothing but one's own."""
    for command in commands:
        for template in command.templates:
            for place in (index for index, word in enumerate(template) if word == PLACE):
                filled = tuple(own if word == PLACE else word for word in template)
                yield command, (*filled[:place], theirs, *filled[place + 1 :]), filled


def calls(oracle: Line, commands: Sequence[Command], *, own: str, theirs: str) -> tuple[Call, ...]:
    """What is to be tried; the server itself says whether it takes the victim's key for a key."""
    found = list(aimed(commands, own=own, theirs=theirs))
    taken = oracle.ask_all([("COMMAND", "GETKEYS", *words) for _, words, _ in found])
    return tuple(
        Call(command=command, words=words, own=mine, on_key=keys.kind == OK and theirs in keys.shown.split())
        for (command, words, mine), keys in zip(found, taken, strict=True)
    )


def on_keys(oracle: Line, attacker: Line, tried: Sequence[Call]) -> list[Tried]:
    """Each call as the server would decide it, and, where it would refuse, really tried."""
    keyed = [call for call in tried if call.on_key and call.command.name not in _ENDING]
    would = oracle.ask_all([_dry(attacker.who, call.words) for call in keyed])
    own = oracle.ask_all([_dry(attacker.who, call.own) for call in keyed])
    admin = oracle.ask_all([_dry(oracle.who, call.words) for call in keyed])
    refused = [call for call, answer in zip(keyed, would, strict=True) if not _allowed(answer)]
    really = dict(zip(refused, attacker.ask_all([call.words for call in refused]), strict=True))
    return [
        _tried(call, _twin(mine, authorised), _decided(call, answer, really.get(call)))
        for call, answer, mine, authorised in zip(keyed, would, own, admin, strict=True)
    ]


def on_patterns(oracle: Line, attacker: Line, tried: Sequence[Call]) -> list[Tried]:
    """Words that the server does not take for keys may still lead to some: what it would carry out is carried out, if it only reads."""
    loose = [call for call in tried if not call.on_key and PLACE not in call.words and _has_own_key(call)]
    would = oracle.ask_all([_dry(attacker.who, call.words) for call in loose])
    run = [call for call, answer in zip(loose, would, strict=True) if _allowed(answer) and not {"blocking", "admin"} & call.command.flags]
    heard = attacker.ask_all([call.words for call in run])
    return [_tried(call, Answer(kind=OK), Answer(kind="own only", shown=answer.shown)) for call, answer in zip(run, heard, strict=True)]


def without_keys(oracle: Line, attacker: Line, commands: Sequence[Command]) -> list[Tried]:
    """Commands that name no key: enumeration, destruction, introspection, scripts; only those about oneself may be open."""
    keyless = [command for command in commands if command.name not in ON_CHANNELS | ABOUT_ONESELF]
    named = [(command, template) for command in keyless for template in command.templates if PLACE not in template]
    named += [(command, _pattern(t)) for command in keyless for t in command.templates if PLACE in t and "pattern" in command.flags]
    taken = oracle.ask_all([("COMMAND", "GETKEYS", *words) for _, words in named])
    bare = [pair for pair, keys in zip(named, taken, strict=True) if keys.kind != OK and not pair[0].name.endswith("|help")]
    would = oracle.ask_all([_dry(attacker.who, words) for _, words in bare])
    admin = oracle.ask_all([_dry(oracle.who, words) for _, words in bare])
    refused = [words for (_, words), answer in zip(bare, would, strict=True) if not _allowed(answer)]
    really = dict(zip(refused, attacker.ask_all(refused), strict=True))
    done = []
    for (command, words), answer, authorised in zip(bare, would, admin, strict=True):
        call = Call(command=command, words=words, own=words)
        done.append(_tried(call, _twin(authorised, authorised), _decided(call, answer, really.get(words))))
    return done


def _pattern(template: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("*" if word == PLACE else word for word in template)


def _has_own_key(call: Call) -> bool:
    return len(call.own) > 1 and sum(a != b for a, b in zip(call.own, call.words, strict=True)) == 1


def _dry(who: str, words: Sequence[str]) -> tuple[str, ...]:
    return ("ACL", "DRYRUN", who, *words)


def _allowed(answer: Answer) -> bool:
    return answer.kind == OK and answer.shown == "OK"


def _twin(mine: Answer, authorised: Answer) -> Answer:
    """The attacker with its own key; else the administrator; else the call is not one that the server understands."""
    if _allowed(mine) or _allowed(authorised):
        return Answer(kind=OK, shown=mine.shown)
    return Answer(kind=UNSUPPORTED, shown=authorised.shown)


def _decided(call: Call, would: Answer, really: Answer | None) -> Answer:
    """What the server would do, and what it did: both must refuse."""
    if _allowed(would):
        return Answer(kind=OK, shown=f"the server would carry out {call.name!r}", reached=True)
    if really is None:
        return Answer(kind="noperm", shown=would.shown)
    return really


def _tried(call: Call, twin: Answer, answer: Answer) -> Tried:
    act = Act(
        name=call.name,
        twin=lambda: twin,
        forbidden=lambda: answer,
        refusals=DENIED | {"own only", SWITCHED_OFF},
        reproduction=call.name,
    )
    return Tried(act=act, twin=twin, answer=answer)
