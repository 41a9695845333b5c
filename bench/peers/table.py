"""What the tools noticed, as one table and three lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.peers.tool import Look, together

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.mutant import Mutant

OURS: Final = "Constat"
# Several looks of one tool, as a team would use it that has all of them.
TOGETHER: Final = {"pgrls, all of them": "pgrls ", "pgTAP, all of them": "pgTAP "}
HEAD: Final = ("tool", "defects noticed", "false alarms on harmless changes", "findings on the clean schema", "seconds for one look")


@dataclass(frozen=True, kw_only=True)
class Results:
    """Every look: by tool on the clean schema, and by change and tool; how many changes needed a pooler; who saw the end differently."""

    clean: dict[str, Look]
    looks: dict[Mutant, dict[str, Look]]
    left_out: int
    drifted: tuple[str, ...]
    versions: tuple[str, ...]

    @property
    def defects(self) -> tuple[Mutant, ...]:
        """What should be noticed."""
        return tuple(mutant for mutant in self.looks if not mutant.is_harmless)

    @property
    def harmless(self) -> tuple[Mutant, ...]:
        """What should not."""
        return tuple(mutant for mutant in self.looks if mutant.is_harmless)

    def noticed(self, name: str) -> tuple[Mutant, ...]:
        """The defects that a tool, or several together, noticed."""
        return tuple(mutant for mutant in self.defects if self._of(self.looks[mutant], name).noticed(self._of(self.clean, name)))

    def alarmed(self, name: str) -> tuple[Mutant, ...]:
        """The harmless changes that it raised an alarm about."""
        return tuple(mutant for mutant in self.harmless if self._of(self.looks[mutant], name).alarms(self._of(self.clean, name)))

    def noise(self, name: str) -> int:
        """How much it finds, or cannot judge, where nothing is wrong."""
        look = self._of(self.clean, name)
        return len(look.findings) + len(look.unable)

    def seconds(self, name: str) -> float:
        """Wall seconds of the fastest look where nothing is wrong: whatever else the machine does only adds to it."""
        return min(self._of(by_tool, name).seconds for by_tool in (self.clean, *(self.looks[mutant] for mutant in self.harmless)))

    def _of(self, by_tool: dict[str, Look], name: str) -> Look:
        if name in TOGETHER:
            return together([look for tool, look in by_tool.items() if tool.startswith(TOGETHER[name])])
        return by_tool[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Every tool, what is together after its parts, ours last."""
        peers = [name for name in self.clean if name != OURS]
        groups = [[*(name for name in peers if name.startswith(of)), group] for group, of in TOGETHER.items()]
        return (*(name for group in groups for name in group), OURS)

    @property
    def quiet(self) -> tuple[str, ...]:
        """The peers that let at least half of the harmless changes pass."""
        singles = [name for name in self.clean if name != OURS]
        return tuple(name for name in singles if 2 * len(self.alarmed(name)) <= len(self.harmless))


def printed(results: Results, *, markdown: bool) -> str:
    """The table, for a terminal or for a page, and what only some noticed."""
    rows = [_row(results, name) for name in results.names]
    lines = _markdown(rows) if markdown else _columns(rows)
    return "\n".join([*lines, "", *_lists(results)])


def _row(results: Results, name: str) -> tuple[str, ...]:
    return (
        name,
        f"{len(results.noticed(name))} of {len(results.defects)}",
        f"{len(results.alarmed(name))} of {len(results.harmless)}",
        str(results.noise(name)),
        f"{results.seconds(name):.1f}",
    )


def _markdown(rows: list[tuple[str, ...]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (HEAD, ("---", *("---:" for _ in HEAD[1:])), *rows)]


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[place]) for row in (HEAD, *rows)) for place in range(len(HEAD))]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in (HEAD, *rows)]


def _lists(results: Results) -> list[str]:
    ours = set(results.noticed(OURS))
    peers = {mutant for name in results.clean if name != OURS for mutant in results.noticed(name)}
    quiet = {mutant for name in results.quiet for mutant in results.noticed(name)}
    return [
        *_titled("No peer noticed", [m for m in results.defects if m not in peers]),
        *_titled(
            f"No peer noticed that lets half of the harmless changes pass ({', '.join(results.quiet) or 'none does'})",
            [m for m in results.defects if m in peers and m not in quiet],
        ),
        *_titled("A peer noticed and Constat did not", [m for m in results.defects if m in peers and m not in ours]),
        *_titled("Constat raised a false alarm about", results.alarmed(OURS)),
        f"Left out, for they need the pooler: {results.left_out}. Versions: {', '.join(results.versions)}.",
        *([f"Not the same at the end as at the beginning: {', '.join(results.drifted)}"] if results.drifted else []),
    ]


def _titled(title: str, mutants: Iterable[Mutant]) -> list[str]:
    lines = [f"* {mutant.id}: {mutant.title}" for mutant in mutants]
    return [f"{title} ({len(lines)}):", "", *(lines or ["* none"]), ""]
