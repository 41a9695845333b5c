"""Channels: every name that a function may announce a write on is listened to while another tenant writes."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.postgres.lore import spelled
from suites.tenancy.postgres.seeds import WRITABLE, named
from suites.tenancy.postgres.sessions import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.postgres.field import Field

_BODIES: Final = """
SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.prokind IN ('f', 'p')
"""
_CHANNEL: Final = re.compile(r"[A-Za-z0-9_.:-]{1,60}")
_JOINED: Final = re.compile(r"(\|\|\s*)?'([A-Za-z0-9_.:/%$-]{1,40})'\s*(\|\|)?")
_PLACE: Final = re.compile(r"%(\d+\$)?[sIL]")
MOST_CHANNELS: Final = 2000
LONGEST: Final = 64  # bytes of a channel's name, and one more


def notified(field: Field) -> Iterator[Judgement]:
    """Listen on every channel that a function may be using while the victim writes."""
    with connect(field.database.app_dsn) as listener:
        channels = _channels(field)
        listener.execute(sql.SQL("; ").join(sql.SQL("LISTEN {}").format(sql.Identifier(channel)) for channel in channels))
        field.seeder.plant_more(field.pair[1])
        # One's own message comes last: whatever was sent before it has arrived with it.
        field.oracle.execute("SELECT pg_notify(%s, %s)", [channels[0], "constat"])
        heard: list[Any] = []
        for message in listener.notifies(timeout=5):
            if message.payload == "constat":
                break
            heard.append(message)
        else:
            yield Judgement(subject="messages", outcome=Outcome.ERROR, reason="not even the oracle's own message arrived")
            return
    found = sorted({message.channel for message in heard})
    yield Judgement(
        subject="messages",
        outcome=Outcome.FAIL if found else Outcome.PASS,
        reason=f"the other tenant's writes are announced to every listener on {', '.join(found)}"
        if found
        else "nobody announces what is written",
        expected=[],
        observed=found,
        positive_control=f"the oracle's own message arrived; {len(channels)} channels were listened to",
    )


def _channels(field: Field) -> list[str]:
    """Every literal in a function's body could name a channel, and every relation's name; and what is joined with a tenant's names."""
    sources = [str(row[0]) for row in field.oracle.execute(_BODIES).fetchall()]
    names = {relation.name for relation in field.known}
    for source in sources:
        names |= {word for word in spelled(source) if _CHANNEL.fullmatch(word)}
        names |= set(re.findall(r"notify +([a-z0-9_]{1,60})", source.lower()))
    names |= set(itertools.islice(joined(sources, _names(field)), MOST_CHANNELS))
    return ["constat", *sorted(name for name in names - {"constat"} if 0 < len(name.encode()) < LONGEST)]


def joined(sources: list[str], values: list[str]) -> Iterator[str]:
    """Literals that are followed by || or hold a place for a value, with each of the values in it; and each value before a literal."""
    for source in sources:
        for before, literal, after in _JOINED.findall(source):
            for value in values:
                if "%" in literal:
                    yield _PLACE.sub(value.replace("\\", r"\\"), literal)
                elif after:
                    yield literal + value
                    yield from (literal + value + tail for lead, tail, _ in _JOINED.findall(source) if lead and tail != literal)
                elif before:
                    yield value + literal


def _names(field: Field) -> list[str]:
    """What the victim is called: its id, its name, and whatever its own row says."""
    found = [field.theirs, field.pair[1], field.theirs.replace("-", "")]
    for relation in field.known:
        if relation.key == ("id",) and relation.kind in WRITABLE:
            row = field.oracle.execute(sql.SQL("SELECT * FROM {} WHERE id::text = %s").format(named(relation)), [field.theirs]).fetchone()
            found += [value for value in row or () if isinstance(value, str)]
    return list(dict.fromkeys(value for value in found if value))[:12]
