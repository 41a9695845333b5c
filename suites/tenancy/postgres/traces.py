"""Non-interference: what a tenant can observe, whatever it is, does not change when another tenant writes.

Everything that can be read is read as the attacker, the catalogs and the server's own
functions too: twice with nothing done in between, and again after the victim has written.
What changes when nobody wrote is unsteady and tells nothing; what changes each time that
the victim writes, and only then, tells of the victim.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from psycopg import sql

from constat.clock import monotonic
from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.postgres import calling
from suites.tenancy.postgres.acts import Scene, insertable, inserting
from suites.tenancy.postgres.functions import callable_by, calls_of, is_only_support
from suites.tenancy.postgres.lore import lore_of, spelled
from suites.tenancy.postgres.seeds import WRITABLE, named
from suites.tenancy.postgres.sessions import Act, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.attempt import Answer
    from suites.tenancy.postgres.field import Field
    from suites.tenancy.postgres.sessions import Attacker

# Readable columns of every relation, and sequences; the oracle knows what the login may read.
# Left out, because slow: the information schema, which says again what the catalogs say, and the time zones, which are files.
_READABLE: Final = """
SELECT n.nspname::text, c.relname::text, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_(toast|temp)'
    AND n.nspname <> 'information_schema' AND c.relname !~ '^pg_timezone' AND has_schema_privilege(%(login)s, n.oid, 'USAGE')
    AND has_column_privilege(%(login)s, c.oid, a.attnum, 'SELECT')
GROUP BY 1, 2 ORDER BY 1, 2
"""
# Functions without arguments that everybody may call from the start; others are found as grants beyond the default.
_ASKABLE: Final = """
SELECT n.nspname::text, p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.pronargs = 0 AND p.prokind = 'f' AND has_schema_privilege(%(login)s, n.oid, 'USAGE')
    AND has_function_privilege(%(login)s, p.oid, 'EXECUTE') AND p.provolatile <> 'i'
    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
    AND p.proname !~ '^(pg_sleep|pg_advisory|lo_|pg_timezone)' ORDER BY 1, 2
"""
# Columns that the server fills in by counting.
_FILLED: Final = """
SELECT a.attrelid::bigint, a.attname::text FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) ~ 'nextval\\(')
"""
_BODIES: Final = """
SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.prokind IN ('f', 'p')
"""
_CHANNEL: Final = re.compile(r"[A-Za-z0-9_.:-]{1,60}")
_JOINED: Final = re.compile(r"(\|\|\s*)?'([A-Za-z0-9_.:/%$-]{1,40})'\s*(\|\|)?")
_PLACE: Final = re.compile(r"%(\d+\$)?[sIL]")
MOST_CHANNELS: Final = 2000
LONGEST: Final = 64  # bytes of a channel's name, and one more
CALLS: Final = 4  # of one function with arguments, watched
ARGUED: Final = 60  # functions with arguments, watched
SLOW: Final = 0.02  # seconds of a call that is not asked again with other values
QUIET: Final = 2  # looks without a write before each write
WRITES: Final = 2

Look: TypeAlias = dict[str, str]
Watched: TypeAlias = list[tuple[str, sql.Composed]]


def attacked(field: Field) -> Iterator[Judgement]:
    """Look, let the victim write, look again; then judge everything that was looked at."""
    with connect(field.database.app_dsn) as connection:
        attacker = type(field.actors["direct"])(connection, field.database.context_setting, field.mine)
        everything = [*_watched(field), *_argued(field, attacker)]
        numbered = list(_numbered(field))
        first = _first_look(attacker, everything)
        watched = [(name, statement) for name, statement in everything if not first[name].startswith("sqlstate")]
        looks: list[tuple[bool, Look]] = [(False, first)]
        drawn = [_drawn(attacker, numbered)]
        written = 0
        for _ in range(WRITES):
            looks.append((False, _look(attacker, watched)))
            drawn.append(_drawn(attacker, numbered))
            written += field.seeder.plant_more(field.pair[1])
            looks.append((True, _look(attacker, watched)))
            drawn.append(_drawn(attacker, numbered))
    yield from judge_looks([name for name, _ in watched], looks, written, refused=len(everything) - len(watched))
    yield from judge_numbers([name for name, _ in numbered], drawn)


def judge_numbers(names: list[str], drawn: list[Look]) -> Iterator[Judgement]:
    """FAIL for a number of one's own rows that goes on further when the other tenant wrote.

    Drawn once at first, then quietly and after a write in turn.
    """
    for name in names:
        found = [_number(look.get(name, "")) for look in drawn]
        numbers = [number for number in found if number is not None]
        steps = [after - before for before, after in itertools.pairwise(numbers)]
        quiet, by_write = set(steps[::2]), steps[1::2]
        if len(numbers) < len(drawn):
            kind = next(look.get(name, "").split("\n")[0] for look, number in zip(drawn, found, strict=True) if number is None)
            outcome, reason = Outcome.NOT_REVIEWED, f"no row of one's own could be inserted to see what the server fills in: {kind[:80]}"
        elif len(quiet) == 1 and by_write and not quiet & set(by_write):
            outcome, reason = Outcome.FAIL, "the number that the server gives one's own row counts what the other tenant writes"
        else:
            outcome, reason = Outcome.PASS, "the number that the server gives one's own row does not count what the other tenant writes"
        yield Judgement(subject=name, outcome=outcome, reason=reason, expected=sorted(quiet), observed=by_write)


def judge_looks(names: list[str], looks: list[tuple[bool, Look]], written: int, *, refused: int = 0) -> Iterator[Judgement]:
    """FAIL for what changed at each of the victim's writes and never otherwise; each look says whether the victim wrote before it."""
    steps = [(wrote, before, after) for (_, before), (wrote, after) in itertools.pairwise(looks)]
    telling, unsteady = [], []
    for name in names:
        by_write = [before.get(name) != after.get(name) for wrote, before, after in steps if wrote]
        by_itself = [before.get(name) != after.get(name) for wrote, before, after in steps if not wrote]
        if all(by_write) and not any(by_itself):
            telling.append(name)
        elif any(by_itself):
            unsteady.append(name)
    for name in telling:
        yield Judgement(
            subject=name,
            outcome=Outcome.FAIL,
            reason="it changes each time that the other tenant writes, and never otherwise",
            expected="unchanged",
            observed="changed",
        )
    yield _summary(names, telling, unsteady, written=written, refused=refused)


def _summary(names: list[str], telling: list[str], unsteady: list[str], *, written: int, refused: int) -> Judgement:
    """ERROR when the victim wrote nothing or the attacker saw nothing: then nothing was shown to be untouched."""
    proven = bool(written) and bool(names)
    return Judgement(
        subject="what can be observed",
        outcome=Outcome.PASS if proven else Outcome.ERROR,
        reason=f"{len(names)} things answered, {refused} refused; {len(telling)} tell of another, {len(unsteady)} change by themselves"
        + (f" ({', '.join(unsteady[:12])})" if unsteady else ""),
        expected=[],
        observed=telling,
        positive_control=f"the other tenant wrote {written} rows between the looks",
    )


def _watched(field: Field) -> Iterator[tuple[str, sql.Composed]]:
    for schema, name, columns in field.oracle.execute(_READABLE, {"login": field.login}).fetchall():
        row = sql.SQL("ROW({})").format(sql.SQL(", ").join(sql.Identifier("r", column) for column in columns))
        yield (
            f"{schema}.{name}",
            sql.SQL("SELECT count(*), sum(hashtextextended({}::text, 0)::numeric) FROM {} AS r").format(row, sql.Identifier(schema, name)),
        )
    for schema, name in field.oracle.execute(_ASKABLE, {"login": field.login}).fetchall():
        yield f"{schema}.{name}()", sql.SQL("SELECT md5(string_agg(f::text, ',')) FROM {}() AS f").format(sql.Identifier(schema, name))


def _argued(field: Field, attacker: Attacker) -> Iterator[tuple[str, sql.Composed]]:
    """Calls with arguments, a few of each function; a slow one (a password's hash) is called once."""
    known = [one for one in callable_by(field) if one.arguments and one.kind != "procedure" and not is_only_support(one)][:ARGUED]
    lores = lore_of(field.oracle, known)
    for function in known:
        for place, call in enumerate(calls_of(field, function, lores[function.oid])[:CALLS]):
            asked = sql.SQL("SELECT md5(string_agg(q::text, ',')) FROM ({}) AS q").format(calling.statement(function, call.existing))
            start = monotonic()
            attacker.act(Act(statement=asked))
            yield f"{function}, call {place + 1}", asked
            if monotonic() - start > SLOW:
                break


def _numbered(field: Field) -> Iterator[tuple[str, sql.Composed]]:
    """An INSERT of one's own for every column that a sequence fills in, left to the server."""
    filled = defaultdict(list)
    for oid, name in field.oracle.execute(_FILLED).fetchall():
        filled[oid].append(name)
    relations = tuple(one for one in field.reachable if one.oid in filled and "INSERT" in one.privileges)
    scenes = field.scenes(relations) if relations else {}
    for relation in relations:
        scene = scenes[relation.oid]
        shown = [column.name for column in relation.columns if column.name in filled[relation.oid] and "SELECT" in column.granted]
        if isinstance(scene, Scene):
            values = {name: value for name, value in insertable(scene, scene.mine).items() if name not in filled[relation.oid]}
            for name in shown:
                yield f"{relation}.{name} of one's own", inserting(relation, values) + sql.SQL(" RETURNING {}").format(sql.Identifier(name))


def _drawn(attacker: Attacker, numbered: Watched) -> Look:
    """What the server fills in now; the rows are not kept, and the sequences go on all the same."""
    return {name: _said(attacker.act(Act(statement=statement))) for name, statement in numbered}


def _number(said: str) -> int | None:
    """The last number in what an INSERT returned; None when it was refused."""
    digits = re.findall(r"\d+", said) if said.startswith("ok") else []
    return int(digits[-1]) if digits else None


def _first_look(attacker: Attacker, watched: Watched) -> Look:
    """Each alone: what is refused now is not asked again."""
    return {name: _said(attacker.act(Act(statement=statement))) for name, statement in watched}


def _said(answer: Answer) -> str:
    return f"{answer.kind} {answer.shown}"


def _look(attacker: Attacker, watched: Watched) -> Look:
    answers = attacker.acts([Act(statement=statement) for _, statement in watched], alike=frozenset({"ok"}))
    return {name: _said(answer) for (name, _), answer in zip(watched, answers, strict=True)}


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
