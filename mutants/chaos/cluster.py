"""What an administrator of the database cluster can do: Patroni's settings, logins, the servers' own processes."""

from __future__ import annotations

import json
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import psutil
import psycopg

from constat import deadlines, wait
from constat.errors import HarnessError, NotReady, Unobservable
from constat.observe import replication

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constat.stack import Postgres, PostgresNode, Stack

CONFIGURATION: Final = "patroni.yml"
_LOGIN: Final = re.compile(r'^  authentication:\n    username: (?P<user>\S+)\n    password: (?P<password>".*")$', re.MULTILINE)


def database(stack: Stack) -> Postgres:
    """The cluster; a mutant of it is only planted where there is one."""
    if stack.postgres is None:
        msg = f"stack {stack.name!r} has no database to plant a defect in; bring up one that has"
        raise HarnessError(msg)
    return stack.postgres


def settings(stack: Stack) -> dict[str, Any]:
    """Patroni's settings for the whole cluster."""
    return dict(_patroni(stack, "GET", "/config").json())


def set_settings(stack: Stack, changes: dict[str, Any]) -> None:
    """Change some of them; None takes one away."""
    _patroni(stack, "PATCH", "/config", changes)


def reload(stack: Stack, node: str) -> None:
    """Make one member read its file again."""
    _patroni(stack, "POST", "/reload", only=node)


def configuration(stack: Stack, node: str) -> Path:
    """The file of one member."""
    return Path(_server(stack, node).data_directory).parent / CONFIGURATION


def execute(stack: Stack, *statements: str) -> None:
    """Run statements as the superuser on the primary, once there is one."""

    def run() -> None:
        with psycopg.connect(database(stack).admin_dsn, autocommit=True, prepare_threshold=None) as operator:
            for statement in statements:
                operator.execute(statement)

    wait.until(run, what="the primary takes a statement", within=deadlines.STACK_HEALED, retry=(psycopg.OperationalError,), every=0.5)


def ask(stack: Stack, statement: str) -> list[tuple[Any, ...]]:
    """Ask the primary as the superuser; raises NotReady while there is none."""
    try:
        with psycopg.connect(database(stack).admin_dsn, autocommit=True, prepare_threshold=None) as operator:
            return operator.execute(statement).fetchall()
    except psycopg.OperationalError as problem:
        msg = f"the primary does not answer: {problem}"
        raise NotReady(msg) from None


def reconnect(stack: Stack) -> None:
    """Make the pooler open its sessions anew, so that they have the logins' settings."""
    with psycopg.connect(database(stack).pooler_admin_dsn, autocommit=True) as console:
        console.pgconn.exec_(b"RECONNECT")


def senders(stack: Stack) -> list[psutil.Process]:
    """The primary's processes that send the log to standbys."""
    return [psutil.Process(pid) for (pid,) in ask(stack, "SELECT pid FROM pg_stat_replication WHERE state = 'streaming'")]


def stopped(stack: Stack) -> list[psutil.Process]:
    """Processes of the database's nodes that do not run although they are there."""
    homes = [Path(node.data_directory) for node in database(stack).nodes]
    return [process for process in psutil.process_iter() if _is_stopped(process) and _home(process) in homes]


def standing(stack: Stack) -> str:
    """How the cluster stands, without the names that a failover exchanges; raises NotReady while it does not answer."""
    try:
        states = sorted(f"{standby.state} {standby.sync_state}" for standby in replication.standbys(database(stack)))
        failover = replication.failover(stack)
    except Unobservable as problem:
        raise NotReady(str(problem)) from None
    return "\n".join([json.dumps(settings(stack), sort_keys=True), *states, f"armed {failover.is_armed}", f"stopped {len(stopped(stack))}"])


def _patroni(stack: Stack, method: str, path: str, changes: dict[str, Any] | None = None, *, only: str = "") -> httpx.Response:
    last: object = "nobody listens"
    context = ssl.create_default_context(cafile=database(stack).ca)
    with httpx.Client(verify=context, timeout=deadlines.SERVICE_ANSWERS, trust_env=False) as client:
        for listener in stack.listeners:
            if listener.name != "patroni" or only not in {"", listener.node}:
                continue
            try:
                answer = client.request(
                    method, f"https://{listener.host}:{listener.port}{path}", json=changes, auth=_login(stack, listener.node)
                )
                return answer.raise_for_status()
            except httpx.HTTPError as problem:
                last = problem
    msg = f"Patroni does not do {method} {path}: {last}"
    raise NotReady(msg)


def _login(stack: Stack, node: str) -> tuple[str, str]:
    path = configuration(stack, node)
    match = _LOGIN.search(path.read_text("utf-8"))
    if match is None:
        msg = f"no login in {str(path)!r}; has its template changed?"
        raise HarnessError(msg)
    return match["user"], json.loads(match["password"])


def _server(stack: Stack, node: str) -> PostgresNode:
    return next(server for server in database(stack).nodes if server.name == node)


def _is_stopped(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False


def _home(process: psutil.Process) -> Path | None:
    try:
        return Path(process.cwd())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def send(processes: Sequence[psutil.Process], number: int) -> None:
    """Send a signal to each that is still there."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue
