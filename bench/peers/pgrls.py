"""pgrls, a static analyzer for row level security with a prover, by its own commands in their best configuration.

Every command gets both schemas; the application's login and its group are declared as the
roles of low trust wherever a rule asks for them.

lint      all rules but performance and hygiene, which are not about isolation; findings of
          severity warning and above count, which is its default gate.  `tuned` is without the
          rules that find something in (nearly) every table of this schema: policies for PUBLIC and references
          between tables are how it is built, and every new table would be an alarm.
verify    its five threat models, `--strict` (what it cannot prove counts), with `--probe` where
          there is one.  Its prover cannot see through `nullif`, so for this command every policy
          is rewritten to `current_setting(…, true)::uuid`, the form that `pgrls generate` writes,
          and set back afterwards.
diff      against a snapshot of the clean schema; changes from REQUIRES_REVIEW up count.
matrix    what the application's login and PUBLIC reach: a cell that is OPEN or UNDECIDED counts
          (references that cascade do not, for here they begin with the tenant), a condition
          that nobody wrote before, a door that cannot be traced, a sensitive column.

`pgrls.testing` helps to write queries as a tenant by hand: see `queries.sql`, which has them.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from bench.peers.tool import NOTHING, Look, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PROGRAM: Final = Path(sys.executable).with_name("pgrls")
_MODES: Final = ("anon", "cross-tenant", "write", "escalation", "reachability")
# The one that has no probe.
_UNPROBED: Final = "reachability"
# Policies for PUBLIC, twice; references to tables with policies.
_EVERYWHERE: Final = ("SEC003", "SEC039", "SEC047")
_ENDED: Final = frozenset({0, 1})
_LOW: Final = '["app", "application", "PUBLIC"]'
_SCHEMAS: Final = '["public", "authentication"]'
CONFIGURATION: Final = "\n".join(
    [
        f"[database]\nschemas = {_SCHEMAS}",
        *(f"[lint.rules.{rule}]\nanon_roles = {_LOW}" for rule in ("SEC004", "SEC039", "SEC042")),
        *(f"[lint.rules.{rule}]\ngrantees = {_LOW}" for rule in ("SEC044", "SEC045")),
        f"[lint.rules.SEC047]\nlow_trust_roles = {_LOW}",
        *(f"[lint.rules.{rule}]\nschemas = {_SCHEMAS}\ngrantees = {_LOW}" for rule in ("SEC049", "SEC052", "SEC053", "SEC054")),
        "",
    ]
)
_OPAQUE: Final = "NULLIF(current_setting('app.organization_id'::text, true), ''::text)"
_DECIDABLE: Final = "current_setting('app.organization_id'::text, true)"
_CLAUSES: Final = "SELECT schemaname, tablename, policyname, qual, with_check FROM pg_policies WHERE qual LIKE %s OR with_check LIKE %s"


@dataclass(frozen=True, kw_only=True)
class Pgrls:
    """One command of pgrls on one database."""

    name: str
    look: Callable[[], Look]


def commands(dsn: str, directory: Path) -> tuple[Pgrls, ...]:
    """Each command, configured in that directory; the snapshot is of the database as it is now. RuntimeError if it is not installed."""
    (directory / "pgrls.toml").write_text(CONFIGURATION, "utf-8")
    base = directory / "clean.json"
    _run(dsn, directory, "snapshot", "--schemas", "public,authentication", "--output", str(base))
    return (
        Pgrls(name="pgrls lint", look=lambda: _lint(dsn, directory)),
        Pgrls(name="pgrls lint, tuned", look=lambda: _lint(dsn, directory, without=_EVERYWHERE)),
        Pgrls(name="pgrls verify", look=lambda: _verify(dsn, directory)),
        Pgrls(name="pgrls diff", look=lambda: _diff(dsn, directory, base)),
        Pgrls(name="pgrls matrix", look=lambda: _matrix(dsn, directory)),
    )


def version() -> str:
    """What it says it is."""
    return _said(["--version"]).stdout.strip()


def _lint(dsn: str, directory: Path, *, without: tuple[str, ...] = ()) -> Look:
    excluded = [word for rule in without for word in ("--exclude-rule", rule)]
    said, seconds = _run(dsn, directory, "lint", *excluded, "--format", "json")
    kept = [one for one in said["violations"] if one["severity"] != "info" and not one["rule_id"].startswith(("PERF", "HYG"))]
    return Look(findings=frozenset(_told(one) for one in kept), seconds=seconds)


def _diff(dsn: str, directory: Path, base: Path) -> Look:
    said, seconds = _run(dsn, directory, "diff", str(base), "--schemas", "public,authentication", "--format", "json")
    kept = [one for one in said["violations"] if one["classification"] in {"requires_review", "dangerous"}]
    return Look(findings=frozenset(_told(one) for one in kept), seconds=seconds)


def _told(violation: dict[str, str]) -> str:
    return f"{violation['rule_id']} {violation['location']}: {violation['message']}"


def _matrix(dsn: str, directory: Path) -> Look:
    said, seconds = _run(dsn, directory, "matrix", "--roles", "app,PUBLIC", "--format", "json")
    cells = [(row["table"], row["command"], role, cell) for row in said["rows"] for role, cell in row["access"].items()]
    reached = {f"{role} {command} {table}: {cell['verdict']}" for table, command, role, cell in cells if _is_wide(cell)}
    conditions = {f"condition {cell['predicate']}" for *_, cell in cells if cell["verdict"] == "conditional"}
    others = {json.dumps(one, sort_keys=True) for one in [*said["sensitive_exposures"], *said["untraced_doors"]]}
    return Look(findings=frozenset(reached | conditions | others), seconds=seconds)


def _is_wide(cell: Mapping[str, str | None]) -> bool:
    return cell["verdict"] == "open" or (cell["verdict"] == "undecided" and "foreign key" not in str(cell["note"]))


def _verify(dsn: str, directory: Path) -> Look:
    """All threat models; only the commands are timed, for the rewriting is ours."""
    with _decidable(dsn):
        return together([_model(dsn, directory, mode) for mode in _MODES])


def _model(dsn: str, directory: Path, mode: str) -> Look:
    probe = () if mode == _UNPROBED else ("--probe",)
    said, seconds = _run(dsn, directory, "verify", "--mode", mode, "--strict", *probe, "--format", "json")
    return Look(findings=NOTHING.union(*(_verdicts(mode, table) for table in said["tables"])), seconds=seconds)


def _verdicts(mode: str, table: dict[str, Any]) -> frozenset[str]:
    """What is wrong with one table: its verdict unless it is proven, and a probe that disagrees."""
    where = f"{mode} {table['table']}"
    verdict, probe = table.get("static_verdict", table.get("verdict")), table.get("agreement")
    told = {f"{where}: {verdict}"} if verdict in {"leak", "unverified"} else set()
    return frozenset(told | ({f"{where}: {probe}"} if probe in {"mismatch", "leak_confirmed"} else set()))


@contextlib.contextmanager
def _decidable(dsn: str) -> Iterator[None]:
    """Let every policy compare in the form that its prover knows; as they were afterwards."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        like = f"%{_OPAQUE}%"
        policies = connection.execute(_CLAUSES, [like, like]).fetchall()
        try:
            for place in policies:
                _set(connection, place, rewritten=True)
            yield
        finally:
            for place in policies:
                _set(connection, place, rewritten=False)


def _set(connection: psycopg.Connection[Any], policy: tuple[Any, ...], *, rewritten: bool) -> None:
    schema, table, name, *clauses = policy
    shown = [clause.replace(_OPAQUE, _DECIDABLE) if clause and rewritten else clause for clause in clauses]
    parts = [f"{word} ({clause})" for word, clause in zip(("USING", "WITH CHECK"), shown, strict=True) if clause]
    statement = sql.SQL("ALTER POLICY {} ON {} ").format(sql.Identifier(name), sql.Identifier(schema, table)).as_string()
    connection.execute((statement + " ".join(parts)).encode())


def _run(dsn: str, directory: Path, *words: str) -> tuple[dict[str, Any], float]:
    """What a command printed as JSON, and its wall seconds; RuntimeError when it could not do its work."""
    start = time.monotonic()
    done = _said([*words, "--database-url", dsn], directory)
    if done.returncode not in _ENDED:
        msg = f"pgrls {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}"
        raise RuntimeError(msg)
    return json.loads(done.stdout or "{}"), time.monotonic() - start


def _said(words: list[str], directory: Path | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run([str(_PROGRAM), *words], capture_output=True, text=True, check=False, cwd=directory)
    except FileNotFoundError:
        msg = f"{str(_PROGRAM)!r} is not there; install it with `pip install -e '.[bench]'`"
        raise RuntimeError(msg) from None
