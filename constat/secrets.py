"""The secrets that a stack's handle carries, found by how its dataclasses declare them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from constat.redact import SHORTEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Stack


def secrets_of(stack: Stack) -> frozenset[str]:
    """Every value that is kept out of representations; of a DSN only the password."""
    return frozenset(value for value in _hidden(stack) if len(value) >= SHORTEST)


def _hidden(value: object, *, secret: bool = False) -> Iterator[str]:
    if isinstance(value, str):
        if secret:
            yield _password(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _hidden(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _hidden(item)
    elif is_dataclass(value):
        for field in fields(value):
            if field.name != "machines":
                yield from _hidden(getattr(value, field.name), secret=not field.repr)


def _password(value: str) -> str:
    try:
        return unquote(str(conninfo_to_dict(value).get("password") or value))
    except ProgrammingError:
        return value  # not a DSN: the value is the secret itself
