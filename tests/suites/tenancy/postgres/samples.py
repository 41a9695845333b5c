"""Relations, functions, seeds and answers as the tests of the database's isolation need them."""

from __future__ import annotations

from typing import Any, Final

from constat.observe.functions import Function
from constat.observe.relations import Column, ForeignKey, Relation
from suites.tenancy.postgres.seeds import Seed

CANARY: Final = "c0957a7e0123456789abcdef"
OTHER: Final = "c0957a7efedcba9876543210"
MINE: Final = "11111111-0000-4000-8000-000000000001"
THEIRS: Final = "11111111-0000-4000-8000-000000000010"


def column(name: str, base: str = "text", **more: Any) -> Column:
    """A column; text that may be left out, unless told otherwise."""
    fields: dict[str, Any] = {"type": base, "category": "S", "not_null": False, "has_default": False, "generated": False} | more
    return Column(name=name, base=base, **fields)


def relation(name: str = "leads", oid: int = 1, *, columns: tuple[Column, ...] = (), refers: tuple[int, ...] = (), **more: Any) -> Relation:
    """A table of tenants in `public`, with a key that begins with the tenant."""
    fields: dict[str, Any] = {
        "schema": "public",
        "kind": "table",
        "is_partition": False,
        "columns": columns or (column("organization_id", "uuid"), column("id", "uuid"), column("name")),
        "key": ("organization_id", "id"),
        "unique": frozenset({"organization_id", "id"}),
        "references": tuple(ForeignKey(columns=("parent",), relation=other, referenced=("id",)) for other in refers),
        "privileges": frozenset({"SELECT"}),
        "guarded": True,
        "forced": True,
    }
    return Relation(oid=oid, name=name, **(fields | more))


def function(*arguments: str, **more: Any) -> Function:
    """A definer function that the login may call."""
    fields: dict[str, Any] = {
        "oid": 1,
        "schema": "public",
        "name": "f",
        "kind": "function",
        "definer": True,
        "owner": "owner",
        "language": "sql",
        "pinned": True,
        "variadic": False,
        "returns": "text",
        "extension": False,
        "callable": True,
    }
    return Function(arguments=arguments, **(fields | more))


def seed(tenant: str = "t10", canary: str = CANARY) -> Seed:
    """A planted row of the victim's."""
    return Seed(
        relation=relation(),
        tenant=tenant,
        organization_id=THEIRS,
        canary=canary,
        values={"organization_id": THEIRS, "name": canary},
        planted=True,
    )
