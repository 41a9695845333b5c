"""Routes: by which keys, and with which headers, a message of a tenant's takes each binding that there is."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from suites.tenancy.broker.ground import WORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Binding = Mapping[str, Any]

_MOST: Final = 400  # keys of one virtual host
_WIDE: Final = 6  # words in the place of one star


@dataclass(frozen=True, kw_only=True)
class Routes:
    """What a tenant's messages in one virtual host are sent with: keys, and headers for exchanges that look at those."""

    keys: tuple[str, ...]
    headers: tuple[dict[str, Any], ...] = ()


def routes(bindings: Iterable[Binding], vhost: str, tenant: str, others: Sequence[str], *, alone: bool) -> Routes:
    """What takes every binding of the virtual host and is the tenant's; with `alone`, whatever names no other tenant is."""
    here = [binding for binding in bindings if binding["vhost"] == vhost]
    keys = dict.fromkeys((f"{tenant}.{WORD}", f"{tenant}.property.created", tenant, f"{WORD}.{tenant}", *_taken(here, tenant)))
    headers = [dict(binding["arguments"]) for binding in here if binding.get("arguments")]
    own = (key for key in keys if is_of(key, tenant, others, alone=alone))
    return Routes(keys=tuple(itertools.islice(own, _MOST)), headers=tuple(one for one in headers if one))


def is_of(key: str, tenant: str, others: Sequence[str], *, alone: bool) -> bool:
    """Whether a message with the key is the tenant's: it names no other, and the tenant unless the virtual host is the tenant's alone."""
    words = set(key.split("."))
    return (alone or tenant in words) and not words & set(others)


def _taken(bindings: Sequence[Binding], tenant: str) -> Iterator[str]:
    """For each binding's pattern the keys that it takes, made of what other patterns have in the same places."""
    patterns = [str(binding["routing_key"]).split(".") for binding in bindings]
    words: dict[int, dict[str, None]] = defaultdict(dict)
    for pattern in patterns:
        for place, word in enumerate(pattern):
            if word not in {"*", "#", ""}:
                words[place][word] = None
    for pattern in patterns:
        yield from _filled(pattern, words, tenant)


def _filled(pattern: Sequence[str], words: Mapping[int, Mapping[str, None]], tenant: str) -> Iterator[str]:
    """A star is one word, and a hash none, one or two."""
    choices = [_choices(word, tuple(words.get(place, ())), tenant) for place, word in enumerate(pattern)]
    for chosen in itertools.islice(itertools.product(*choices), _MOST):
        key = ".".join(word for word in chosen if word)
        if key:
            yield key


def _choices(word: str, known: tuple[str, ...], tenant: str) -> tuple[str, ...]:
    if word == "*":
        return tuple(dict.fromkeys((tenant, *known[:_WIDE], WORD)))
    if word == "#":
        return tuple(dict.fromkeys(("", tenant, *known[:_WIDE], f"{tenant}.{WORD}")))
    return (word,)
