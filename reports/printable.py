"""Text that came from a platform, made safe to show: every character seen, none obeyed."""

from __future__ import annotations

import json
import math
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constat.finding import Json

_KEPT = frozenset("\n\t")
# Control, format (which turns text around), surrogate, unassigned, and the two exotic line ends.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})


def printable(text: str) -> str:
    r"""Return the text with every character that a reader cannot see written as `\x1b` or `\u202e`."""
    return "".join(character if _is_plain(character) else _spelled(character) for character in text)


def shown(value: Json) -> str:
    """Return a JSON value as people read it: text as it is, everything else as indented JSON."""
    return printable(value if isinstance(value, str) else json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def document(value: Json) -> bytes:
    """Return a JSON document in UTF-8 that any parser reads: no NaN, no lone surrogate; keys keep their order."""
    text = json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # The backslash form of a lone surrogate is also its JSON escape.
    return text.encode("utf-8", "backslashreplace")


def _is_plain(character: str) -> bool:
    return character in _KEPT or unicodedata.category(character) not in _HIDDEN


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _finite(value: Json) -> Json:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
