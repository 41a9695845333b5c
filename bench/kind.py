"""How long a cluster takes, step by step: `python -m bench.kind [--verify [FAMILY ...]]` writes the table of docs/kind.md.

Wall seconds, from no cluster to none; images and node image are there already.  With `--verify`
the suites run in between, those of all families or of these, and the page shows their summary.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "kind.md"
TARGET: Final = "targets/viridial-kind.toml"
NAME: Final = "benchkind"
BEGIN: Final = "<!-- figures -->"
END: Final = "<!-- end -->"
_STEP: Final = re.compile(r"✓ (.+?)\s+([\d.]+) s")
# Verdicts that a run may end with and still be shown.
_VERDICTS: Final = frozenset({0, 1, 6})


def main(families: list[str] | None) -> None:
    """Measure, print and write."""
    first, said, _ = timed("up", "--name", NAME, "--target", TARGET)
    second, _, _ = timed("up", "--name", NAME, "--target", TARGET)
    chosen = [word for family in families or () for word in ("--family", family)]
    verified = timed("verify", "--name", NAME, *chosen, allowed=_VERDICTS) if families is not None else None
    down, _, _ = timed("down", "--name", NAME)
    lines = [*table(_STEP.findall(said), up=first, second=second, down=down), *(summary(verified, chosen) if verified else [])]
    print("\n".join(lines))
    PAGE.write_text(replaced(PAGE.read_text("utf-8"), lines), "utf-8")


def timed(*words: str, allowed: frozenset[int] = frozenset({0})) -> tuple[float, str, str]:
    """Run a command to its end; its wall seconds, what it said and what it printed. Ends the measurement when it fails."""
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "cli", *words], capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode not in allowed:
        sys.exit(f"constat {' '.join(words)} ended with {done.returncode}:\n{done.stderr}")
    return time.monotonic() - start, done.stderr, done.stdout


def table(steps: list[tuple[str, str]], *, up: float, second: float, down: float) -> list[str]:
    """The steps in the order in which they ended; components come up side by side, so they do not add up."""
    totals = [
        f"| **`constat up`, all of it** | **{up:.1f}** |",
        f"| `constat up` again | {second:.1f} |",
        f"| `constat down` | {down:.1f} |",
    ]
    load = os.getloadavg()[0]
    machine = f"{os.cpu_count()} cores ({platform.machine()}), load average {load:.1f} at the end, Python {platform.python_version()}."
    return [
        machine,
        "",
        "| step | seconds |",
        "| --- | ---: |",
        *(f"| {what} | {float(seconds):.1f} |" for what, seconds in (*steps, *totals)),
    ]


def summary(verified: tuple[float, str, str], chosen: list[str]) -> list[str]:
    """What the suites ended with, as they print it."""
    seconds, _, printed = verified
    command = " ".join(("constat verify", *chosen))
    return ["", f"`{command}` on it, {seconds:.0f} s:", "", "```", *printed.rstrip().splitlines(), "```"]


def replaced(page: str, lines: list[str]) -> str:
    """The page with other lines between its marks; ValueError when it has none."""
    before, mark, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        msg = f"{PAGE.name} has no {BEGIN!r} and {END!r}; put them where the table belongs"
        raise ValueError(msg)
    return "\n".join([before + BEGIN, "", *lines, "", END + after])


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--verify") + 1 :] if "--verify" in sys.argv else None)
