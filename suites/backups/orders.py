"""Whether the backup tool is told something with which WAL, files or checks are left out, and by everybody the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from constat.judgement import Judgement
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from constat.observe.orders import Orders

_NO: Final = frozenset({"n", "no", "false", "0"})
_YES: Final = frozenset({"y", "yes", "true", "1"})
# Whatever their value: option → what it does.
_ALWAYS: Final = {
    "archive-push-queue-max": "drops WAL once that much waits, and tells the server that it is archived",
    "exclude": "leaves files out of every backup",
    "db-include": "brings other databases back empty",
    "db-exclude": "brings databases back empty",
}
_SWITCHED_ON: Final = {"dry-run": "does nothing", "force": "goes on where the tool would stop"}
_SWITCHED_OFF: Final = {
    "online": "copies a server that runs as if it were stopped",
    "archive-check": "does not see whether the WAL that a backup needs is archived",
    "archive-header-check": "takes another cluster's WAL",
    "archive-mode-check": "lets two servers archive at once",
    "checksum-page": "copies rotten pages without a word",
    "page-header-check": "copies rotten pages without a word",
    "storage-verify-tls": "gives the repository to whoever answers",
    "s3-verify-tls": "gives the repository to whoever answers",
}
_REPOSITORY: Final = re.compile(r"repo\d+-")
# Where the repository is, and what opens it: a server that says something else archives where no restore looks.
_SAME: Final = ("type", "path", "s3-bucket", "s3-endpoint", "s3-region", "storage-port", "cipher-type", "cipher-pass")


def judge(orders: Sequence[Orders]) -> Iterator[Judgement]:
    """One subject a caller: FAIL for each option that weakens, and where it means another repository than the first; a pure function."""
    for one in orders:
        problems = [*_weak(one.options), *_elsewhere(one, orders[0]), *(f"{path} forbids it to run" for path in one.forbidden)]
        problems += [] if "config" in one.options else ["it names no configuration (--config), so whatever lies about is read"]
        yield Judgement(
            subject=f"orders of {one.who}",
            outcome=Outcome.FAIL if problems else Outcome.PASS,
            reason="; ".join(problems) or f"{len(one.options)} options, none of which leaves anything out",
            expected=[],
            observed=problems,
        )


def _weak(options: Mapping[str, str]) -> Iterator[str]:
    for name, value in sorted(options.items()):
        plain, low = _REPOSITORY.sub("", name), value.strip().lower()
        what = _ALWAYS.get(plain) or (_SWITCHED_ON.get(plain) if low in _YES else _SWITCHED_OFF.get(plain) if low in _NO else None)
        what = "stores everything in clear" if (plain, low) == ("cipher-type", "none") else what
        if what:
            yield f"{name}={value} {what}"


def _elsewhere(one: Orders, first: Orders) -> Iterator[str]:
    """Never the value: one of them is a key."""
    if "config" not in one.options:
        return
    names = [f"repo1-{name}" for name in _SAME if one.options.get(f"repo1-{name}") != first.options.get(f"repo1-{name}")]
    names += ["stanza"] if one.stanza != first.stanza else []
    if names:
        yield f"another {', '.join(names)} than {first.who} has: what it stores is not where a restore looks"
