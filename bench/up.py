"""How long `constat up`, a second `up`, and `down` take: `python -m bench.up [RUNS]`.

Whole-process wall seconds, packages installed.  Prints each run, then minimum, median and
maximum, and the slowest components of the median run.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from typing import Final

NAME: Final = "bench"
_COMPONENT: Final = re.compile(r"✓ (\S+)\s+([\d.]+) s")


def main(runs: int) -> None:
    """Measure and print."""
    rows = []
    for number in range(runs):
        first, said = timed("up", "--name", NAME)
        second, _ = timed("up", "--name", NAME)
        down, _ = timed("down", "--name", NAME)
        rows.append((first, second, down))
        print(f"run {number + 1}: up {first:.1f} s, second up {second:.1f} s, down {down:.1f} s")
        slow = sorted(((float(seconds), part) for part, seconds in _COMPONENT.findall(said)), reverse=True)[:6]
        print("  slowest: " + ", ".join(f"{part} {seconds:.1f} s" for seconds, part in slow))
    for what, values in zip(("up", "second up", "down"), zip(*rows, strict=True), strict=True):
        print(f"{what:<10} min {min(values):5.1f}  median {statistics.median(values):5.1f}  max {max(values):5.1f} s")


def timed(*words: str) -> tuple[float, str]:
    """Run a command to its end; its wall seconds and what it said. Ends the measurement when it fails."""
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "cli", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"constat {' '.join(words)} ended with {done.returncode}:\n{done.stderr}")
    return time.monotonic() - start, done.stderr


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
