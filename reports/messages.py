"""The words of the reports in the reader's language, from two catalogues."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from constat.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

CATALOGUE = Path(__file__).with_name("messages.toml")
# The words of the recovery report are many and used nowhere else.
QUARTERLY = Path(__file__).with_name("quarterly") / "messages.toml"
DEFAULT_LANGUAGE = "en"
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True)
class Messages:
    """One language of the catalogue."""

    lang: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return the text with its values filled in; KeyError when the catalogue lacks it."""
        return self.texts[key].format(**values)

    def count(self, key: str, n: int, **values: object) -> str:
        """Return the form of the text that goes with a number, with `n` filled in."""
        form = "one" if n == 1 or (n == 0 and self.lang == "fr") else "other"
        return self(f"{key}.{form}", n=self.whole(n), **values)

    def named(self, key: str, name: str) -> str:
        """Return the text of `key.name`, or the name itself where the catalogue has none."""
        return self.texts.get(f"{key}.{name}", name)

    def whole(self, n: int) -> str:
        """Return a whole number with its thousands set apart."""
        return f"{n:,}".replace(",", self("lang.thousands"))

    def duration(self, seconds: float) -> str:
        """Return a duration as people say it: `0.8 s`, `2 min 14 s`, `4 h 05 min`."""
        if seconds < 10:  # noqa: PLR2004  below ten seconds the tenth is worth reading
            return f"{seconds:.1f} s".replace(".", self("lang.decimal"))
        whole = round(seconds)
        if whole < _MINUTE:
            return f"{whole} s"
        if whole < _HOUR:
            return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"

    def moment(self, moment: datetime) -> str:
        """Return a moment in UTC, to the minute."""
        at = moment.astimezone(UTC)
        return self("lang.date", day=at.day, month=self._month(at), year=at.year, time=f"{at:%H:%M}")

    def day(self, day: date) -> str:
        """Return a day."""
        return self("lang.day", day=day.day, month=self._month(day), year=day.year)

    def _month(self, day: date) -> str:
        return self("lang.months").split()[day.month - 1]


def messages(lang: str = DEFAULT_LANGUAGE) -> Messages:
    """Return a language's words; raises UserError for a language that the catalogue lacks."""
    catalogue = _catalogue()
    if lang not in catalogue:
        msg = f"language {lang!r} is unknown, expected one of {', '.join(sorted(catalogue))}; or add it to {CATALOGUE.name}"
        raise UserError(msg)
    return Messages(lang, catalogue[lang])


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    first, second = (tomllib.loads(path.read_text("utf-8")) for path in (CATALOGUE, QUARTERLY))
    return {lang: texts | second[lang] for lang, texts in first.items()}
