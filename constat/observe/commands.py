"""Every command that a cache has, by the server's own description, as templates with places for keys."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from constat.errors import Unobservable
from constat.observe import cache as caches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constat.stack import Cache

# Stands in a template where a name belongs: of a key, or a pattern of keys.
PLACE: Final = "\x00"
_VALUES: Final = {"integer": "1", "double": "1", "unix-time": "1", "string": "x"}


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command or subcommand, and the ways to call it that the server describes."""

    name: str
    flags: frozenset[str]
    templates: tuple[tuple[str, ...], ...]


def commands(cache: Cache) -> tuple[Command, ...]:
    """Every command, with one template for the least that it takes and one for each optional part."""
    try:
        with closing(caches.connect(cache)) as redis:
            line: Any = redis.connection_pool.get_connection()
            line.send_command("COMMAND")
            listed = line.read_response()
            line.send_command("COMMAND", "DOCS")
            described = line.read_response()
            line.disconnect()
    except (RedisError, OSError) as problem:
        msg = f"the cache does not describe its commands: {problem}"
        raise Unobservable(msg) from None
    documents = dict(_documents(_map(described)))
    return tuple(_command(str(entry[0]), frozenset(map(str, entry[2])), documents) for entry in _all(listed))


def _all(listed: Iterable[Any]) -> Iterator[Any]:
    for entry in listed:
        subcommands = entry[9] if len(entry) > 9 else ()  # noqa: PLR2004 - since Redis 7
        if not subcommands or entry[1] != -2:  # noqa: PLR2004 - a container takes nothing but the name of a subcommand
            yield entry
        yield from _all(subcommands)


def _documents(described: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    for name, fields in described.items():
        known = _map(fields)
        yield name, known.get("arguments", [])
        yield from _documents(_map(known.get("subcommands", [])))


def _command(name: str, flags: frozenset[str], documents: dict[str, list[Any]]) -> Command:
    arguments = [_map(argument) for argument in documents.get(name, [])]
    templates = [tuple(_words(arguments, None))]
    templates += [tuple(_words(arguments, index)) for index, argument in enumerate(arguments) if _is_optional(argument)]
    called = tuple(name.split("|"))
    return Command(name=name, flags=flags, templates=tuple(dict.fromkeys((*called, *template) for template in templates)))


def _words(arguments: list[dict[str, Any]], chosen: int | None) -> Iterator[str]:
    """What is required, and the one optional part that was chosen, with all that is in it."""
    for index, argument in enumerate(arguments):
        if index == chosen or not _is_optional(argument):
            yield from _written(argument)


def _written(argument: dict[str, Any]) -> Iterator[str]:
    if "token" in argument and argument["type"] != "pure-token":
        yield str(argument["token"])
    inner = [_map(part) for part in argument.get("arguments", [])]
    match argument["type"]:
        case "pure-token":
            yield str(argument["token"])
        case "key" | "pattern":
            yield PLACE
        case "oneof":
            yield from _written(next((part for part in inner if part["type"] in {"key", "pattern"}), inner[0]))
        case "block":
            for part in inner:
                if not _is_optional(part):
                    yield from _written(part)
        case kind:
            yield _VALUES.get(str(kind), "x")


def _is_optional(argument: dict[str, Any]) -> bool:
    return "optional" in argument.get("flags", ())


def _map(flat: Any) -> dict[str, Any]:
    """A map as the older protocol sends it: names and values in turn."""
    return dict(flat) if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
