"""Values for an argument of a function, by its type: what means something of the victim's, and what the type takes anyway."""

from __future__ import annotations

import itertools
import re
import secrets
from typing import TYPE_CHECKING, Final

from suites.tenancy.postgres.counterparts import Argument, fits, is_drawn, is_uuid, nowhere
from suites.tenancy.postgres.documents import documents
from suites.tenancy.postgres.lore import NUMBERS, POLYMORPHIC, TEXTS, Shape
from suites.tenancy.postgres.planting import new_number, new_uuid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from suites.tenancy.postgres.counterparts import Giver
    from suites.tenancy.postgres.seeds import Seed

_ROWS: Final = 40  # of a composite type


def arguments(kind: str, giver: Giver) -> list[Argument]:
    """Values for one type; NULL where nobody knows any."""
    plain = POLYMORPHIC.get(kind.strip('"'), kind)
    if plain.endswith("[]"):
        single = [one for one in arguments(plain.removesuffix("[]"), giver) if one.existing is not None]
        every = Argument([one.existing for one in single], [one.absent for one in single])
        return [every, *(Argument([one.existing], [one.absent]) for one in single)] if single else [Argument(None, None)]
    return list(_meant(plain, giver)) or list(_accepted(plain, giver)) or [Argument(None, None)]


def _meant(kind: str, giver: Giver) -> Iterator[Argument]:
    """Values that mean something of the victim's."""
    victims = giver.victims
    if kind == "uuid":
        yield from (Argument(str(value), str(new_uuid())) for value in _uuids(victims))
    elif kind in TEXTS:
        yield from _texts(victims, giver.tenant)
    elif kind in NUMBERS:
        numbers = dict.fromkeys(value for seed in victims for value in seed.values.values() if is_drawn(value))
        yield from (Argument(value, new_number(8)) for value in itertools.islice(numbers, 8))
        yield from (Argument(number, number) for number in (100, 1, 0, -1))
    elif kind in {"json", "jsonb"}:
        yield from documents(giver)
    elif kind == "tsquery":
        yield from (Argument(f"'{seed.canary}'", f"'{nowhere(seed.canary)}'") for seed in victims[:3])
        yield from (Argument(query, query) for query in ("!x", *(f"'{word}':*" for word in _words(victims))))
    elif kind == "regclass":
        yield from (Argument(name, name) for name in dict.fromkeys(f"{seed.relation.schema}.{seed.relation.name}" for seed in victims))
    else:
        yield from (Argument(value, value) for value in _fixed(kind))


def _fixed(kind: str) -> tuple[str, ...]:
    if kind.startswith("timestamp") or kind == "date":
        return ("2000-01-01", "2100-01-01")
    return {"boolean": ("true", "false"), "interval": ("0", "-10 years", "10 years")}.get(kind, ())


def _accepted(kind: str, giver: Giver) -> Iterator[Argument]:
    """What the server takes for the type: a composite of what its attributes take, or the literals that were tried."""
    shape = giver.lore.shapes.get(kind, Shape())
    yield from itertools.islice(_composites(shape, giver), _ROWS)
    stored = [
        value for seed in giver.victims for c in seed.relation.columns if c.base == kind and (value := seed.values.get(c.name)) is not None
    ]
    yield from (Argument(value, value) for value in stored[:3])
    yield from (Argument(value, value) for value in shape.literals)


def _composites(shape: Shape, giver: Giver) -> Iterator[Argument]:
    """Rows of a composite type: each row's values under the attributes' names, then what the types take and the source spells out."""
    if shape.attributes:
        columns = [_attribute(kind, giver) for _, kind in shape.attributes]
        rows = [
            tuple(_named(name, kind, seed) or column[0] for (name, kind), column in zip(shape.attributes, columns, strict=True))
            for seed in giver.victims
        ]
        wide = itertools.islice(itertools.product(*columns), _ROWS)
        for chosen in woven(rows, wide):
            yield Argument(_record(one.existing for one in chosen), _record(one.absent for one in chosen))


def _attribute(kind: str, giver: Giver) -> list[Argument]:
    words = [Argument(word, word) for word in giver.lore.literals[:3]] if kind in TEXTS else []
    return [*words, *arguments(kind, giver)[:3]]


def _named(name: str, kind: str, seed: Seed) -> Argument | None:
    value = seed.values.get(name)
    return Argument(value, nowhere(value)) if fits(kind, value) else None


def _record(values: Iterable[object]) -> str:
    """A row as PostgreSQL reads it: quoted throughout, and nothing for NULL."""
    return "({})".format(",".join("" if value is None else '"' + str(value).replace('"', '""') + '"' for value in values))


def _uuids(victims: Sequence[Seed]) -> list[str]:
    own = [seed.organization_id for seed in victims[:1]]
    keys = [str(seed.values[name]) for seed in victims for name in seed.relation.key if is_uuid(seed.values.get(name))]
    return list(dict.fromkeys([*own, *keys])) or [str(new_uuid())]


def _texts(victims: Sequence[Seed], tenant: str) -> Iterator[Argument]:
    """A canary, a whole value that holds one, an id, the tenant's name, and what is read as a pattern or as SQL."""
    for seed in victims[:3]:
        yield Argument(seed.canary, nowhere(seed.canary))
    for whole in _wholes(victims):
        yield Argument(whole, nowhere(whole))
    for value in (f"{tenant}-agent", tenant):
        yield Argument(value, "".join(secrets.choice("jkqvwxz") for _ in value))
    for seed in victims[:1]:
        yield Argument(seed.organization_id, str(new_uuid()))
    relations = {str(seed.relation) for seed in victims}
    for fixed in ("%", "", "*", ".*", "' OR true --", "true", *sorted(relations)[:10]):
        yield Argument(fixed, fixed)


def _wholes(victims: Sequence[Seed]) -> list[str]:
    """Whole values that hold a canary and more: an address, a link."""
    values = [(seed.canary, value) for seed in victims for value in seed.values.values() if isinstance(value, str)]
    return list(dict.fromkeys(value for canary, value in values if canary in value and canary != value))[:6]


def _words(victims: Sequence[Seed]) -> list[str]:
    texts = " ".join(value for seed in victims for value in seed.values.values() if isinstance(value, str))
    return list(dict.fromkeys(re.findall(r"[a-z]{3,20}", texts.lower())))[:6]


def woven(*ways: Iterable[tuple[Argument, ...]]) -> Iterator[tuple[Argument, ...]]:
    """One of each in turn, so that no way of choosing is cut off by another's length."""
    for together in itertools.zip_longest(*ways):
        yield from (one for one in together if one is not None)
