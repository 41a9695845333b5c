"""What a function is called with: a neighbour's ids, names and wildcards, and what exists nowhere for comparison."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from suites.tenancy.postgres.arguments import arguments, woven
from suites.tenancy.postgres.counterparts import Argument, Giver, fits, nowhere
from suites.tenancy.postgres.lore import NOTHING, POLYMORPHIC, TEXTS, Lore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from constat.observe.functions import Function
    from suites.tenancy.postgres.seeds import Seed

MOST_CALLS: Final = 120  # of one function
ROWS: Final = 40  # calls with several values of the same row of the victim's
SPELLED: Final = 12  # literals of one function's source


@dataclass(frozen=True)
class Call:
    """One call: with what exists at the neighbour, and with what exists nowhere."""

    existing: tuple[Any, ...]
    absent: tuple[Any, ...]

    @property
    def is_pair(self) -> bool:
        """Whether the two are different calls at all."""
        return self.existing != self.absent


def unknown_types(function: Function, victims: Sequence[Seed], tenant: str, lore: Lore = NOTHING) -> tuple[str, ...]:
    """The types of arguments for which there is nothing to give but NULL."""
    giver = Giver(victims=victims, tenant=tenant, lore=lore)
    return tuple(kind for kind in dict.fromkeys(function.arguments) if all(one.existing is None for one in arguments(kind, giver)))


def calls(function: Function, victims: Sequence[Seed], tenant: str, lore: Lore = NOTHING) -> list[Call]:
    """What to call it with: the most telling of each argument together, then words and rows, then each argument's others in turn."""
    giver = Giver(victims=victims, tenant=tenant, lore=lore)
    choices = [arguments(kind, giver) for kind in function.arguments]
    firsts = tuple(choice[0] for choice in choices)
    turned = [(*firsts[:place], other, *firsts[place + 1 :]) for place, choice in enumerate(choices) for other in choice[1:]]
    wide = itertools.product(*(choice[:3] for choice in choices)) if len(choices) > 1 else iter(())
    one_by_one = woven(_worded(function, choices, giver), itertools.islice(_of_a_row(function, giver), ROWS), turned, wide)
    unique: dict[str, tuple[Argument, ...]] = {}
    for one in itertools.chain([firsts], one_by_one):
        unique.setdefault(repr([argument.existing for argument in one]), one)
    return [
        Call(tuple(argument.existing for argument in one), tuple(argument.absent for argument in one))
        for one in itertools.islice(unique.values(), MOST_CALLS)
    ]


def statement(function: Function, values: tuple[Any, ...]) -> sql.Composed:
    """The call, with each value cast to the argument's type."""
    name = sql.Identifier(function.schema, function.name)
    kinds = [POLYMORPHIC.get(kind.strip('"'), kind) for kind in function.arguments]
    typed = [sql.SQL("{}::{}").format(value, sql.SQL(kind)) for value, kind in zip(values, kinds, strict=True)]
    if function.variadic and typed and function.arguments[-1].strip('"') != "any":
        typed[-1] = sql.SQL("VARIADIC ") + typed[-1]
    given = sql.SQL(", ").join(typed)
    if function.kind == "procedure":
        return sql.SQL("CALL {}({})").format(name, given)
    if function.kind == "function":
        return sql.SQL("SELECT f::text FROM {}({}) AS f").format(name, given)
    if function.kind == "window function":
        return sql.SQL("SELECT ({}({}) OVER ())::text").format(name, given)
    return sql.SQL("SELECT {}({})::text").format(name, given if typed else sql.SQL("*"))


def _worded(function: Function, choices: list[list[Argument]], giver: Giver) -> Iterator[tuple[Argument, ...]]:
    """The source's own words for its texts, with the first few ids; a word may be what opens the door."""
    words = [Argument(word, word) for word in giver.lore.literals[:SPELLED]]
    texts = [place for place, kind in enumerate(function.arguments) if kind in TEXTS]
    for place in texts if words else ():
        others = [words if at == place else choice[: 1 if at in texts else 6] for at, choice in enumerate(choices)]
        yield from itertools.product(*others)
    canaries = [Argument(seed.canary, nowhere(seed.canary)) for seed in giver.victims]
    if len(texts) > 1:
        for place in texts:
            others = [words[:3] if at == place else canaries if at in texts else choice[:1] for at, choice in enumerate(choices)]
            yield from itertools.islice(itertools.product(*others), ROWS)


def _of_a_row(function: Function, giver: Giver) -> Iterator[tuple[Argument, ...]]:
    """Values of one and the same row of the victim's together, those of the argument's name first."""
    if len(function.arguments) > 1:
        names = [*giver.lore.names, *[""] * len(function.arguments)]
        rows = [
            itertools.islice(
                itertools.product(*(_of_seed(kind, name, seed, giver) for kind, name in zip(function.arguments, names, strict=False))), ROWS
            )
            for seed in giver.victims
        ]
        yield from woven(*rows)


def _of_seed(kind: str, name: str, seed: Seed, giver: Giver) -> list[Argument]:
    """The row's values that fit the type; where none does, what the type takes anyway."""
    fitting = {column: value for column, value in seed.values.items() if fits(kind, value)}
    plain = re.sub(r"^(p|in|arg)?_", "", name)
    ordered = sorted(fitting, key=lambda column: (column != plain, str(fitting[column]) == seed.organization_id))
    found = [Argument(str(fitting[column]) if kind == "uuid" else fitting[column], nowhere(fitting[column])) for column in ordered]
    return found[:5] or arguments(kind, giver)[:2]
