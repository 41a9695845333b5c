"""What a function is called with: a neighbour's ids, names and wildcards, and what exists nowhere for comparison."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from suites.tenancy.postgres.planting import new_canary, new_number, new_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from constat.observe.functions import Function
    from suites.tenancy.postgres.seeder import Seed

MOST_CALLS: Final = 60  # of one function
_NUMBERS: Final = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision", "oid"})
_TEXTS: Final = frozenset({"text", "character varying", "character", "name", "citext"})


@dataclass(frozen=True)
class Argument:
    """A value of the victim's, and one of the same shape that exists nowhere; the same twice where there is no such pair."""

    existing: Any
    absent: Any


@dataclass(frozen=True)
class Call:
    """One call: with what exists at the neighbour, and with what exists nowhere."""

    existing: tuple[Any, ...]
    absent: tuple[Any, ...]

    @property
    def is_pair(self) -> bool:
        """Whether the two are different calls at all."""
        return self.existing != self.absent


def calls(function: Function, victims: Sequence[Seed], tenant: str) -> list[Call]:
    """What to call it with: the most telling of each argument together, then each argument's other values in turn."""
    choices = [_arguments(kind, victims, tenant) for kind in function.arguments]
    firsts = tuple(choice[0] for choice in choices)
    made = [firsts]
    for place, choice in enumerate(choices):
        made += [(*firsts[:place], other, *firsts[place + 1 :]) for other in choice[1:]]
    wide = itertools.product(*(choice[:3] for choice in choices)) if len(choices) > 1 else iter(())
    made += list(itertools.islice(wide, MOST_CALLS))
    unique = {repr(one): one for one in made}
    return [
        Call(tuple(argument.existing for argument in one), tuple(argument.absent for argument in one))
        for one in itertools.islice(unique.values(), MOST_CALLS)
    ]


def statement(function: Function, values: tuple[Any, ...]) -> sql.Composed:
    """The call, with each value cast to the argument's type."""
    name = sql.Identifier(function.schema, function.name)
    typed = [sql.SQL("{}::{}").format(value, sql.SQL(kind)) for value, kind in zip(values, function.arguments, strict=True)]
    if function.variadic and typed:
        typed[-1] = sql.SQL("VARIADIC ") + typed[-1]
    given = sql.SQL(", ").join(typed)
    if function.kind == "procedure":
        return sql.SQL("CALL {}({})").format(name, given)
    if function.kind == "function":
        return sql.SQL("SELECT f::text FROM {}({}) AS f").format(name, given)
    return sql.SQL("SELECT {}({})::text").format(name, given)


def _arguments(kind: str, victims: Sequence[Seed], tenant: str) -> list[Argument]:
    """Values for one type; NULL where nobody knows any."""
    if kind.endswith("[]"):
        return [Argument([one.existing], [one.absent]) for one in _arguments(kind.removesuffix("[]"), victims, tenant)]
    if kind == "uuid":
        return [Argument(str(value), str(new_uuid())) for value in _uuids(victims)]
    if kind in _TEXTS:
        return list(_texts(victims, tenant))
    if kind in _NUMBERS:
        numbers = dict.fromkeys(value for seed in victims for value in seed.values.values() if _is_drawn(value))
        return [*(Argument(value, new_number(8)) for value in itertools.islice(numbers, 8)), *(Argument(n, n) for n in (100, 1, 0, -1))]
    if kind in {"json", "jsonb"}:
        return [_document(victims)]
    fixed = {"boolean": ("true", "false"), "interval": ("0", "-10 years", "10 years")}.get(kind, ())
    if kind.startswith("timestamp") or kind == "date":
        fixed = ("2000-01-01", "2100-01-01")
    if kind in {"regclass", "regtype", "regproc"}:
        fixed = tuple({f"{seed.relation.schema}.{seed.relation.name}" for seed in victims}) if kind == "regclass" else ()
    return [Argument(value, value) for value in fixed] or [Argument(None, None)]


def _uuids(victims: Sequence[Seed]) -> list[str]:
    own = [seed.organization_id for seed in victims[:1]]
    keys = [str(seed.values[name]) for seed in victims for name in seed.relation.key if _is_uuid(seed.values.get(name))]
    return list(dict.fromkeys([*own, *keys])) or [str(new_uuid())]


def _texts(victims: Sequence[Seed], tenant: str) -> Iterator[Argument]:
    """A canary, a whole value that holds one, an id, the tenant's name, and what is read as a pattern or as SQL."""
    for seed in victims[:3]:
        yield Argument(seed.canary, new_canary())
    for whole in _wholes(victims):
        yield Argument(whole, new_canary())
    for value in (f"{tenant}-agent", tenant):
        yield Argument(value, f"{value}-{new_canary()}")
    for seed in victims[:1]:
        yield Argument(seed.organization_id, str(new_uuid()))
    relations = {str(seed.relation) for seed in victims}
    for fixed in ("%", "", "*", ".*", "' OR true --", "true", *sorted(relations)[:10]):
        yield Argument(fixed, fixed)


def _wholes(victims: Sequence[Seed]) -> list[str]:
    """Whole values that hold a canary and more: an address, a link."""
    values = [(seed.canary, value) for seed in victims for value in seed.values.values() if isinstance(value, str)]
    return list(dict.fromkeys(value for canary, value in values if canary in value and canary != value))[:6]


def _document(victims: Sequence[Seed]) -> Argument:
    fields = {name: str(value) for seed in victims for name, value in seed.values.items() if _is_uuid(value)}
    return Argument(json.dumps(fields), json.dumps({name: str(new_uuid()) for name in fields}))


def _is_uuid(value: object) -> bool:
    return type(value).__name__ == "UUID"


def _is_drawn(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and str(value).startswith("957") and len(str(value)) > 7  # noqa: PLR2004
