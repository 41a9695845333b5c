"""A scratch server: restored from the repository with what is kept for the day the platform is gone, and removed again."""

from __future__ import annotations

import configparser
import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.conninfo import make_conninfo

from constat import deadlines, wait
from constat.errors import NotReady, TargetError, Unobservable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Backups, Objects

TOOL: Final = "/usr/bin/pgbackrest"
FOLDER: Final = "restore-"  # below the stack's directory: `constat down` removes it with the rest
PORT: Final = 5432  # of a socket in a directory of its own; nothing listens on the network
_PROGRAMS: Final = "/usr/lib/postgresql/{version}/bin"
# After the restored configuration is read, so that the cluster's own limits hold and nothing of it reaches out.
_SETTINGS: Final = """\
include '{data}/postgresql.conf'
listen_addresses = ''
port = {port}
unix_socket_directories = '{home}'
unix_socket_permissions = 0700
hba_file = '{home}/pg_hba.conf'
ident_file = '{home}/pg_ident.conf'
ssl = off
archive_mode = off
archive_command = ''
primary_conninfo = ''
primary_slot_name = ''
synchronous_standby_names = ''
shared_preload_libraries = ''
shared_buffers = 32MB
autovacuum = off
fsync = off
logging_collector = off
log_destination = stderr
log_connections = off
log_disconnections = off
"""


class RestoreFailed(TargetError):
    """The backups did not give the server back; the message holds the tool's or the server's last words."""


class Sandbox:
    """A directory of the backup tool's user, in which a server is restored and run."""

    def __init__(self, home: Path, *, backups: Backups, objects: Objects, database: str) -> None:
        """Write the tool's configuration anew: where the repository is, the escrow key, and nothing of the platform's nodes."""
        self._home, self._backups, self._database = home, backups, database
        self._data, self._log = home / "data", home / "server.log"
        self._enter = _as_user(backups.user)
        self._server: subprocess.Popen[bytes] | None = None
        self._data.mkdir(mode=0o700)
        shutil.copyfile(objects.ca, home / "ca.pem")
        _write(home / "pgbackrest.conf", configuration(Path(backups.config).read_text("utf-8"), backups, home))
        _write(home / "pg_hba.conf", "local all all trust\n")
        _write(home / "pg_ident.conf", "")
        for path in (home, *home.iterdir()):
            _give(path, backups.user)

    def restore(self, *options: str) -> str:
        """Restore into the directory; the tool's words.  Raises RestoreFailed when it does not succeed."""
        command = (TOOL, f"--config={self._home / 'pgbackrest.conf'}", f"--stanza={self._backups.stanza}", "--log-level-console=info")
        done = self._run(*command, "--archive-mode=off", *options, "restore")
        if done.returncode != 0:
            msg = f"the restore ended with {done.returncode}:\n{_tail(done.stdout)}"
            raise RestoreFailed(msg)
        return done.stdout

    def start(self) -> None:
        """Let the server recover and wait until it takes writes; raises RestoreFailed when it does not get there."""
        settings, version = self._home / "scratch.conf", (self._data / "PG_VERSION").read_text("ascii").strip()
        _write(settings, _SETTINGS.format(data=self._data, home=self._home, port=PORT))
        _give(settings, self._backups.user)
        program = Path(_PROGRAMS.format(version=version)) / "postgres"
        if not program.exists():
            msg = f"{str(program)!r} is missing, so the backup cannot be restored here; install postgresql-{version}"
            raise Unobservable(msg)
        command = [*self._enter, str(program), "-D", str(self._data), "-c", f"config_file={settings}"]
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                command, cwd=self._home, env=_environment(self._home), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            wait.until(
                self._is_promoted,
                what="the restored server takes writes",
                within=deadlines.RESTORE_DONE,
                retry=(psycopg.OperationalError,),
                holds=bool,
            )
        except NotReady as problem:
            msg = f"{problem}\n{_tail(self.log())}"
            raise RestoreFailed(msg) from None

    def stop(self) -> None:
        """End the server at once; what it holds is thrown away anyway."""
        server, self._server = self._server, None
        if server is None or server.poll() is not None:
            return
        server.send_signal(signal.SIGQUIT)  # an immediate shutdown, its children included
        try:
            server.wait(deadlines.COMPONENT_STOPPED)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

    def dsn(self, user: str) -> str:
        """How to reach the scratch server, through the socket that only its user and root can open."""
        return make_conninfo("", host=str(self._home), port=PORT, user=user, dbname=self._database)

    def log(self) -> str:
        """What the server said."""
        return self._log.read_text("utf-8", errors="replace")

    def _is_promoted(self) -> bool:
        code = self._server.poll() if self._server else 0
        if code is not None:
            msg = f"the restored server ended with {code}:\n{_tail(self.log())}"
            raise RestoreFailed(msg)
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            row = connection.execute("SELECT NOT pg_is_in_recovery()").fetchone()
        return bool(row and row[0])

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [*self._enter, *command],
                cwd=self._home,
                env=_environment(self._home),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",  # with a wrong key the tool shows what it has read
                check=False,
                timeout=deadlines.RESTORE_DONE,
            )
        except FileNotFoundError as problem:
            msg = f"{problem.filename!r} is missing, so nothing can be restored here; install util-linux and pgbackrest"
            raise Unobservable(msg) from None
        except subprocess.TimeoutExpired as problem:
            msg = f"the restore was not done within {problem.timeout:g} s"
            raise RestoreFailed(msg) from None


@contextlib.contextmanager
def sandbox(run_dir: str, *, backups: Backups, objects: Objects, database: str) -> Iterator[Sandbox]:
    """Have a sandbox while the block runs; whatever happens, its server and its data are gone afterwards.

    It lies below the stack's directory, so that `constat down` removes what a killed run has left.
    """
    for stale in Path(run_dir).glob(f"{FOLDER}*"):
        shutil.rmtree(stale)
    home = Path(tempfile.mkdtemp(prefix=FOLDER, dir=run_dir))
    try:
        scratch = Sandbox(home, backups=backups, objects=objects, database=database)
        try:
            yield scratch
        finally:
            scratch.stop()
    finally:
        shutil.rmtree(home)


def configuration(platforms: str, backups: Backups, home: Path) -> str:
    """The tool's configuration for the sandbox, from the platform's own: the repository's address, and what is kept in escrow.

    Of the platform's file only `repo1-*` is taken, and of that no secret; a pure function.
    """
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.read_string(platforms)
    repository = {name: value for name, value in parser["global"].items() if re.match(r"repo1-(?!retention)", name)}
    repository |= {
        "repo1-cipher-pass": backups.cipher_pass,
        "repo1-s3-key": backups.identity.access_key,
        "repo1-s3-key-secret": backups.identity.secret_key,
        "repo1-storage-ca-file": str(home / "ca.pem"),
        "log-level-file": "off",
        "lock-path": str(home / "lock"),
        "spool-path": str(home / "spool"),
        "process-max": "2",
    }
    lines = ["[global]", *(f"{name}={value}" for name, value in repository.items()), "", f"[{backups.stanza}]", f"pg1-path={home / 'data'}"]
    return "\n".join(lines) + "\n"


def _as_user(user: str) -> tuple[str, ...]:
    """The prefix that makes a command another user's, and ends it when this process is killed."""
    if os.geteuid() != 0:
        return ("/usr/bin/setpriv", "--pdeathsig=KILL", "--")
    identity = (f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--init-groups")
    return ("/usr/bin/setpriv", *identity, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--pdeathsig=KILL", "--")


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(home), "TMPDIR": str(home)}


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _give(path: Path, user: str) -> None:
    if os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
