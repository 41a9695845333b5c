"""Places and words that only a rule names: where the store's own policies lead, and what a request must say for them to hold."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from constat.errors import Unobservable
from constat.observe import objects as stores
from constat.stack import KeyPair
from suites.tenancy.objects.ground import WORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constat.stack import Objects, Stack

_FILE: Final = "identities.json"
_ARN: Final = "arn:aws:s3:::"
# Condition key → the header by which a client says it.
_SAID: Final = {"aws:referer": "referer", "aws:useragent": "user-agent", "aws:sourceip": "x-forwarded-for"}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A key pair in the store's own list, and whose it is there."""

    name: str
    keys: KeyPair


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One statement of a policy: where it leads, and what a request must say besides."""

    resources: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] = ()


def identities(stack: Stack) -> tuple[Identity, ...]:
    """Every key pair in the files of the store's nodes; Unobservable when one cannot be read."""
    found = []
    for document in _documents(stack):
        for one in document.get("identities", ()):
            for pair in one.get("credentials", ()):
                keys = KeyPair(access_key=str(pair["accessKey"]), secret_key=str(pair["secretKey"]))
                found.append(Identity(name=str(one["name"]), keys=keys))
    return tuple(found)


def rules(stack: Stack, store: Objects, buckets: Iterable[str]) -> tuple[Rule, ...]:
    """Every statement that allows something: of the policies in the store's files, and of each bucket."""
    texts = [str(kept["content"]) for document in _documents(stack) for kept in document.get("policies", ())]
    texts += [text for bucket in buckets if (text := stores.policy(store, bucket))]
    return tuple(rule for text in texts for rule in stated(text))


def stated(text: str) -> Iterator[Rule]:
    """The statements of one policy, which may be one or a list, as may be what they hold."""
    statements = json.loads(text).get("Statement", ())
    for statement in [statements] if isinstance(statements, dict) else statements:
        if statement.get("Effect") == "Allow":
            resources = tuple(str(one).removeprefix(_ARN) for one in _listed(statement.get("Resource") or statement.get("NotResource")))
            yield Rule(resources=resources, headers=tuple(_headers(statement.get("Condition") or {})))


def folders(known: Iterable[Rule], bucket: str, victim: str) -> tuple[str, ...]:
    """The folders of the victim's that the rules lead to and that are elsewhere than usual."""
    found: dict[str, None] = {}
    for resource in (resource for rule in known for resource in rule.resources):
        where, _, pattern = resource.partition("/")
        first, _, rest = pattern.partition("/")
        if fnmatchcase(bucket, where) and pattern.endswith("*") and fnmatchcase(victim, first) and rest.strip("*"):
            parts = [part.replace("*", WORD) or WORD for part in rest.removesuffix("*").rstrip("/").split("/")]
            found["/".join([victim, *parts, WORD])] = None
    return tuple(found)


def disguises(known: Iterable[Rule]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """What requests must say for a rule to hold, each once."""
    return tuple(dict.fromkeys(rule.headers for rule in known if rule.headers))


def _headers(conditions: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for operator, asked in conditions.items():
        for key, values in asked.items() if "Not" not in operator else ():
            name = _SAID.get(key.lower()) or (key.lower().removeprefix("s3:") if key.lower().startswith("s3:x-amz-") else "")
            if name:
                value = str(_listed(values)[0])
                yield name, _address(value) if name == "x-forwarded-for" else value.replace("*", "constat").replace("?", "x")


def _address(network: str) -> str:
    """An address within a network."""
    try:
        return str(ipaddress.ip_network(network, strict=False)[1 if "/" in network else 0])
    except (ValueError, IndexError):
        return network


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _documents(stack: Stack) -> list[dict[str, Any]]:
    try:
        return [json.loads(path.read_text("utf-8")) for path in sorted(Path(stack.run_dir).glob(f"*/{_FILE}"))]
    except (OSError, ValueError) as problem:
        msg = f"{_FILE!r} of the object store cannot be read: {problem}; run as root"
        raise Unobservable(msg) from None
