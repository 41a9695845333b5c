"""A tool: something that looks at a database and says what it finds wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look found, what it could not judge, and its wall seconds."""

    findings: frozenset[str]
    unable: frozenset[str] = NOTHING
    seconds: float = 0.0

    def noticed(self, clean: Look) -> bool:
        """Whether it found anything that was not found on the clean schema."""
        return bool(self.findings - clean.findings)

    def alarms(self, clean: Look) -> bool:
        """The same, and a new subject that cannot be judged counts too: somebody has to look into it."""
        return self.noticed(clean) or bool(self.unable - clean.unable)


class Tool(Protocol):
    """One configuration of one tool, prepared on the clean schema."""

    @property
    def name(self) -> str:
        """How the table calls it."""

    def look(self) -> Look:
        """Look at the database as it is now."""


def together(looks: list[Look]) -> Look:
    """Several looks as one: everything that any of them found, and all of their seconds."""
    return Look(
        findings=NOTHING.union(*(look.findings for look in looks)),
        unable=NOTHING.union(*(look.unable for look in looks)),
        seconds=sum(look.seconds for look in looks),
    )
