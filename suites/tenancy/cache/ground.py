"""What the attack on the cache needs: a key of each tenant's, who is who, and the administrator's view."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from suites.tenancy.campaign import OK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from suites.tenancy.cache.line import Line

# Every key that the suite makes has this word in it, so that what an interrupted run has left is found.
WORD: Final = "constat-tenancy"
_SHAPELESS: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12,}|\d+")
_LOOKED_THROUGH: Final = 20_000
_LIFETIME_SECONDS: Final = "600"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A tenant's key: `known` is told to the attacker, the name of `hidden` is not."""

    tenant: str
    known: str
    hidden: str
    content: str
    name: str


def plant(line: Line, tenant: str) -> Planted:
    """Plant as the tenant itself; Unobservable when it may not write its own keys."""
    canary, name = f"c{secrets.token_hex(12)}", f"c{secrets.token_hex(12)}"
    planted = Planted(tenant=tenant, known=f"{tenant}:{WORD}:known", hidden=f"{tenant}:{WORD}:{name}", content=canary, name=name)
    for key in (planted.known, planted.hidden):
        answer = line.ask("SET", key, canary, "EX", _LIFETIME_SECONDS)
        if answer.kind != OK:
            msg = f"{line.who!r} cannot set its own key {key!r}: {answer.kind} {answer.shown}"
            raise Unobservable(msg)
    return planted


def keys(oracle: Line, pattern: str = "*") -> tuple[str, ...]:
    """Every key, as the administrator sees them; at most so many that a look through them is quick."""
    found: list[str] = []
    cursor = "0"
    while len(found) < _LOOKED_THROUGH:
        cursor, *some = oracle.ask("SCAN", cursor, "MATCH", pattern, "COUNT", "1000").shown.split()
        found += some
        if cursor == "0":
            break
    return tuple(found)


def foreign(oracle: Line, own: str) -> tuple[str, ...]:
    """One key of every shape that is not below the attacker's own name: other tenants', the platform's, whatever is there."""
    shapes: dict[str, str] = {}
    for key in keys(oracle):
        if not key.startswith(f"{own}:") and WORD not in key:
            shapes.setdefault(_SHAPELESS.sub("#", key), key)
    return tuple(shapes.values())


def state(oracle: Line, planted: Planted) -> str:
    """What is really there of the victim's: each value as it is stored, and whether it expires."""
    asked = [(verb, key) for key in (planted.known, planted.hidden) for verb in ("GET", "TYPE", "OBJECT ENCODING")]
    answers = oracle.ask_all([(*verb.split(), key) for verb, key in asked] + [("PTTL", planted.known)])
    lines = [f"{verb} {key} {answer.shown}" for (verb, key), answer in zip(asked, answers, strict=False)]
    return "\n".join([*lines, f"expires {int(answers[-1].shown or 0) > 0}"])


def sweep(oracle: Line) -> None:
    """Remove every key of the suite's."""
    oracle.ask_all([("UNLINK", key) for key in keys(oracle, f"*{WORD}*")])


def near_misses(own: str, planted: Planted) -> Iterator[str]:
    """Names that a pattern without its end, or without regard to case, would let through."""
    yield planted.known
    yield planted.hidden
    yield planted.tenant
    if planted.tenant.startswith(own) or own.startswith(planted.tenant):
        yield f"{own}0:{WORD}"
        yield f"{own}x:{WORD}"
    yield f"{own.upper()}:{WORD}"
    yield f"{{{planted.tenant}}}:{WORD}"
    yield f"x{own}:{WORD}"


def led_to(rules: str, sign: str, tenants: Iterable[str], victim: str) -> tuple[str, ...]:
    """The victim's names that a user's patterns of keys (`~`) or channels (`&`) lead to, its own in each place of a tenant's or of any."""
    known = {"*", *tenants}
    found = []
    for pattern in re.findall(rf"{sign}([^\s)]+)", rules):
        *start, end = pattern.split(":")
        tail = victim if end in tenants else f"{end.removesuffix('*')}{WORD}" if end.endswith("*") else end
        parts = [*(victim if part in known else part for part in start), tail]
        if victim in parts:
            found.append(":".join(parts))
    return tuple(dict.fromkeys(found))
