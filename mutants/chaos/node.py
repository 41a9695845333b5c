"""Defects with which the primary's node must not die: nobody takes over, writes are lost, nothing follows again."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

import psycopg

from constat import deadlines, wait
from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State
from constat.observe import replication
from constat.outcome import Outcome
from mutants.chaos import cluster, persistence

if TYPE_CHECKING:
    from constat.stack import Stack

_UNPROMOTABLE: Final = "tags: {nofailover: true}  # planted\n"


def _pause(stack: Stack, state: State) -> None:
    del state
    cluster.set_settings(stack, {"pause": True})


def _is_paused(stack: Stack, state: State) -> bool:
    del state
    return cluster.settings(stack).get("pause") is True


def _resume(stack: Stack, state: State) -> None:
    del state
    cluster.set_settings(stack, {"pause": None})


def _hold_back(stack: Stack, state: State) -> None:
    """Let commits not wait any more, and keep the log from leaving the primary: a standby that lags, as one over a slow line does."""
    del state
    cluster.set_settings(stack, {"synchronous_mode": False})
    wait.until(
        lambda: replication.standbys(cluster.database(stack)),
        what="commits do not wait for a standby",
        within=deadlines.MUTANT_PLANTED,
        retry=(Unobservable,),
        holds=lambda standbys: bool(standbys) and not any(standby.guards_commits for standby in standbys),
    )
    cluster.send(cluster.senders(stack), signal.SIGSTOP)


def _is_held_back(stack: Stack, state: State) -> bool:
    del state
    return cluster.settings(stack).get("synchronous_mode") is False and bool(cluster.stopped(stack))


def _let_go(stack: Stack, state: State) -> None:
    del state
    cluster.send(cluster.stopped(stack), signal.SIGCONT)
    cluster.set_settings(stack, {"synchronous_mode": True})


def _do_not_wait(stack: Stack, state: State) -> None:
    del state
    cluster.execute(stack, "ALTER ROLE app SET synchronous_commit = 'local'")
    cluster.reconnect(stack)


def _does_not_wait(stack: Stack, state: State) -> bool:
    del state
    with psycopg.connect(cluster.database(stack).app_dsn) as session:
        row = session.execute("SHOW synchronous_commit").fetchone()
    return row == ("local",)


def _wait_again(stack: Stack, state: State) -> None:
    del state
    cluster.execute(stack, "ALTER ROLE app RESET synchronous_commit")
    cluster.reconnect(stack)


def _app_settings(stack: Stack) -> str:
    rows = cluster.ask(stack, "SELECT setconfig FROM pg_db_role_setting AS s JOIN pg_roles AS r ON r.oid = s.setrole WHERE rolname = 'app'")
    return f"{rows}\n{cluster.standing(stack)}"


def _lock_replication(stack: Stack, state: State) -> None:
    del state
    cluster.execute(stack, "ALTER ROLE replicator NOLOGIN")


def _is_replication_locked(stack: Stack, state: State) -> bool:
    del state
    try:
        psycopg.connect(cluster.database(stack).replication_dsn).close()
    except psycopg.OperationalError as problem:
        return "not permitted to log in" in str(problem)
    return False


def _unlock_replication(stack: Stack, state: State) -> None:
    del state
    cluster.execute(stack, "ALTER ROLE replicator LOGIN")


def _replication_login(stack: Stack) -> str:
    (can_login,) = cluster.ask(stack, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'replicator'")
    return f"{can_login}\n{cluster.standing(stack)}"


def _forbid_writing(stack: Stack, state: State) -> None:
    del state
    cluster.execute(stack, "REVOKE INSERT ON activities FROM application")


def _is_writing_forbidden(stack: Stack, state: State) -> bool:
    del state
    return cluster.ask(stack, "SELECT has_table_privilege('app', 'activities', 'INSERT')") == [(False,)]


def _allow_writing(stack: Stack, state: State) -> None:
    del state
    cluster.execute(stack, "GRANT INSERT ON activities TO application")


def _privileges(stack: Stack) -> str:
    return str(cluster.ask(stack, "SELECT relacl::text FROM pg_class WHERE oid = 'public.activities'::regclass"))


def _the_standby(stack: Stack) -> State:
    return {"node": next(standby.node for standby in replication.standbys(cluster.database(stack)))}


def _exclude(stack: Stack, state: State) -> None:
    path = cluster.configuration(stack, state["node"])
    path.write_text(path.read_text("utf-8") + _UNPROMOTABLE, "utf-8")  # keeps owner and mode
    cluster.reload(stack, state["node"])


def _is_excluded(stack: Stack, state: State) -> bool:
    return state["node"] not in replication.failover(stack).candidates


def _include(stack: Stack, state: State) -> None:
    path = cluster.configuration(stack, state["node"])
    path.write_text(path.read_text("utf-8").replace(_UNPROMOTABLE, ""), "utf-8")
    cluster.reload(stack, state["node"])


def _files(stack: Stack) -> str:
    names = [node.name for node in cluster.database(stack).nodes]
    return "\n".join([*(cluster.configuration(stack, name).read_text("utf-8") for name in names), cluster.standing(stack)])


def _let_nothing_outlive(stack: Stack, state: State) -> None:
    del state
    cluster.set_settings(stack, {"failsafe_mode": False})


def _nothing_outlives(stack: Stack, state: State) -> bool:
    del state
    return cluster.settings(stack).get("failsafe_mode") is False


def _outlive(stack: Stack, state: State) -> None:
    del state
    cluster.set_settings(stack, {"failsafe_mode": True})


MUTANTS: Final = (
    Mutant(
        id="MUT-CHA-01",
        title="Automatic failover was paused for maintenance and never resumed",
        scope=Scope.STACK,
        controls=("CHA-01",),
        plant=_pause,
        confirm=_is_paused,
        revert=_resume,
        fingerprint=cluster.standing,
    ),
    Mutant(
        id="MUT-CHA-02",
        title="Commits do not wait for the standby, and the standby is behind",
        scope=Scope.STACK,
        controls=("CHA-01",),
        plant=_hold_back,
        confirm=_is_held_back,
        revert=_let_go,
        fingerprint=cluster.standing,
    ),
    Mutant(
        id="MUT-CHA-03",
        title="A table was made unlogged to write faster, so it is empty after a failover",
        scope=Scope.STACK,
        controls=("CHA-01",),
        plant=persistence.unlog,
        confirm=persistence.is_unlogged,
        revert=persistence.log,
        fingerprint=persistence.fingerprint,
    ),
    Mutant(
        id="MUT-CHA-04",
        title="The application's login does not wait for the standby (synchronous_commit = local)",
        scope=Scope.DATABASE,
        controls=("CHA-01",),
        plant=_do_not_wait,
        confirm=_does_not_wait,
        revert=_wait_again,
        fingerprint=_app_settings,
    ),
    Mutant(
        id="MUT-CHA-05",
        title="The replication login is locked: what streams goes on, what must come back cannot",
        scope=Scope.STACK,
        controls=("CHA-01",),
        plant=_lock_replication,
        confirm=_is_replication_locked,
        revert=_unlock_replication,
        fingerprint=_replication_login,
    ),
    Mutant(
        id="MUT-CHA-06",
        title="The ledger cannot be written: nothing is measured, so nothing may be green",
        scope=Scope.DATABASE,
        controls=("CHA-01",),
        plant=_forbid_writing,
        confirm=_is_writing_forbidden,
        revert=_allow_writing,
        fingerprint=_privileges,
        expects=Outcome.ERROR,
    ),
    Mutant(
        id="MUT-CHA-07",
        title="The only standby is tagged so that it is never promoted",
        scope=Scope.COMPONENT,
        controls=("CHA-01",),
        prepare=_the_standby,
        plant=_exclude,
        confirm=_is_excluded,
        revert=_include,
        fingerprint=_files,
    ),
    Mutant(
        id="MUT-CHA-08",
        title="Failsafe mode was switched off: without the coordinator nobody can write",
        scope=Scope.STACK,
        controls=("CHA-01",),
        plant=_let_nothing_outlive,
        confirm=_nothing_outlives,
        revert=_outlive,
        fingerprint=cluster.standing,
    ),
    Mutant(
        id="MUT-CHA-09",
        title="A table that no drill writes to is unlogged: a failover empties it",
        scope=Scope.DATABASE,
        controls=("CHA-01",),
        plant=persistence.make_scratch,
        confirm=persistence.has_scratch,
        revert=persistence.drop_scratch,
        fingerprint=persistence.scratch_fingerprint,
    ),
    Mutant(
        id="MUT-CHA-10",
        title="The application's login does not wait for the standby, so a primary that wakes up says what is not true",
        scope=Scope.DATABASE,
        controls=("CHA-02",),
        plant=_do_not_wait,
        confirm=_does_not_wait,
        revert=_wait_again,
        fingerprint=_app_settings,
    ),
    Mutant(
        id="MUT-CHA-11",
        title="Failsafe mode was switched off: the primary steps down when the coordinator has no quorum",
        scope=Scope.STACK,
        controls=("CHA-05",),
        plant=_let_nothing_outlive,
        confirm=_nothing_outlives,
        revert=_outlive,
        fingerprint=cluster.standing,
    ),
)
