"""What the command line shows while it works, and how it says that something is wrong."""

from __future__ import annotations

import sys
import threading
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

# Into a file or a pipe, tables keep their columns; a terminal says itself how wide it is.
_PIPED_WIDTH: Final = 150
OUT: Final = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
ERR: Final = Console(stderr=True, highlight=False, soft_wrap=True)


class Told:
    """A `provision.progress.Progress` for a person: one line for each thing done.

    On a terminal a last line shows what is under way.
    """

    def __init__(self, console: Console = ERR) -> None:
        """Tell it on standard error, so that standard output can be piped."""
        self._console = console
        self._running: dict[str, None] = {}
        self._lock = threading.Lock()
        self._live = Live(console=console, transient=True, refresh_per_second=8) if console.is_terminal else None

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Show no more."""
        self.quiet()

    def quiet(self) -> None:
        """Give the terminal to somebody else; remarks are still made."""
        if self._live:
            self._live.stop()
            self._live = None

    def started(self, what: str) -> None:
        """Show that it is under way."""
        with self._lock:
            self._running[what] = None
            self._refresh()

    def done(self, what: str, seconds: float) -> None:
        """Say that it is done."""
        with self._lock:
            self._running.pop(what, None)
            self._console.print(f"  [green]✓[/] {what:<14} [dim]{seconds:5.1f} s[/]")
            self._refresh()

    def note(self, text: str) -> None:
        """Say something."""
        self._console.print(f"  [dim]·[/] {text}", markup=True)

    def _refresh(self) -> None:
        if self._live:
            self._live.update(Spinner("dots", text=" " + ", ".join(self._running)) if self._running else "")


def complain(message: str) -> None:
    """Say what is wrong, in one message."""
    ERR.print("constat: ", style="bold red", end="")
    ERR.print(message, markup=False)
