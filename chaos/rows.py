"""The rows that a drill has read back, as files: with the history beside them it can be judged again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from constat.entries import Entry
from constat.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

EARLIER: Final = "rows-when-service-was-back.jsonl"
LATER: Final = "rows-at-the-end.jsonl"


def text(rows: Iterable[Entry]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(asdict(row), separators=(",", ":")) + "\n" for row in rows)


def parse(lines: str) -> tuple[Entry, ...]:
    """Read them back; raises UserError for anything that is not such a file."""
    try:
        return tuple(Entry(**json.loads(line)) for line in lines.splitlines())
    except (ValueError, TypeError) as problem:
        msg = f"these are no rows of a ledger ({problem}); give the files that the drill has left"
        raise UserError(msg) from None
