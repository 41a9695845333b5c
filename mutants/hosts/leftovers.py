"""Files that somebody left below the platform: copies of secrets however packed, and what lends or opens too much."""

from __future__ import annotations

import io
import pwd
import shutil
import stat
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State
from constat.secrets import secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.stack import Stack

_NAME: Final = "constat-leftover"
_EVERYBODY: Final = 0o644
_SOCKET_OPEN: Final = 0o777


def _kept(stack: Stack, name: str) -> Path:
    found = next((Path(guard.path) for guard in stack.guarded if guard.path.endswith(f"/{name}")), None)
    if found is None:
        msg = f"no guarded path is named {name!r}"
        raise Unobservable(msg)
    return found


def _archive(stack: Stack) -> bytes:
    """As `tar czf` of the configuration before a change."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(_kept(stack, "settings.json"), arcname="etc/settings.json")
    return packed.getvalue()


def _dump(stack: Stack) -> bytes:
    """The beginning of a core dump, and what a server had in its memory."""
    return b"\x7fELF\x02\x01\x01" + b"\0" * 4096 + min(secrets_of(stack)).encode() + b"\0" * 4096


def _left(mutant_id: str, title: str, name: str, content: Callable[[Stack], bytes], *, mode: int = _EVERYBODY) -> Mutant:
    """Make a mutant of a file that lies in the platform's own directory."""

    def path(stack: Stack) -> Path:
        return Path(stack.run_dir) / f"{_NAME}-{name}"

    def planted(stack: Stack, state: State) -> None:
        del state  # there was no such file
        path(stack).write_bytes(content(stack))
        path(stack).chmod(mode)

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=("HOS-03",),
        plant=planted,
        confirm=lambda stack, _state: path(stack).read_bytes() == content(stack),
        revert=lambda stack, _state: path(stack).unlink(missing_ok=True),
        fingerprint=lambda stack: str(path(stack).exists()),
    )


def _hidden(stack: Stack) -> Path:
    """A node's directory that keeps a configuration with a secret in it."""
    return _kept(stack, "settings.json").parent


def _copy_by_name(stack: Stack, state: State) -> None:
    del state  # the mode before is in it, for reverting
    copy = _hidden(stack) / "settings.json.bak"
    copy.write_bytes(_kept(stack, "settings.json").read_bytes())
    copy.chmod(_EVERYBODY)
    _hidden(stack).chmod(0o711)


def _remove_copy(stack: Stack, state: State) -> None:
    _hidden(stack).chmod(state["mode"])
    (_hidden(stack) / "settings.json.bak").unlink(missing_ok=True)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _socket(stack: Stack) -> Path:
    found = next((path for path in Path(stack.run_dir).glob("supervisor/*.sock") if path.is_socket()), None)
    if found is None:
        msg = "the supervisor has no socket below the run directory"
        raise Unobservable(msg)
    return found


def _shell(stack: Stack) -> Path:
    return Path(stack.run_dir) / "bin" / f"{_NAME}-sh"


def _lend(stack: Stack, state: State) -> None:
    del state  # there was no such program
    shutil.copyfile("/bin/true", _shell(stack))
    _shell(stack).chmod(0o4755)


def _copied(stack: Stack) -> Path:
    """Where somebody looked at a key with a tool that takes no PEM."""
    return Path(tempfile.gettempdir()) / f"{_NAME}-{stack.name}.der"


def _der(stack: Stack) -> bytes:
    key = load_pem_private_key(_kept(stack, "key.pem").read_bytes(), None)
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _copy_key(stack: Stack, state: State) -> None:
    del state  # there was no such file
    _copied(stack).write_bytes(_der(stack))
    _copied(stack).chmod(_EVERYBODY)


def _other(stack: Stack) -> str:
    """Another service's account: one with a name, which those that the provider chooses do not have."""
    return next(guard.owner for guard in stack.guarded if not guard.owner.isdigit() and guard.owner != "root")


def _share(stack: Stack, state: State) -> None:
    """As `chgrp` and `chmod g+rX` of a configuration, so that another service can read it."""
    del state  # modes and groups before are in it, for reverting
    for path, mode in ((_kept(stack, "settings.json"), 0o640), (_hidden(stack), 0o750)):
        shutil.chown(path, group=pwd.getpwnam(_other(stack)).pw_gid)
        path.chmod(mode)


def _shared(stack: Stack) -> dict[str, list[int]]:
    paths = (_kept(stack, "settings.json"), _hidden(stack))
    return {str(path): [path.stat().st_gid, _mode(path)] for path in paths}


def _unshare(stack: Stack, state: State) -> None:
    del stack  # the journal knows the paths
    for path, (group, mode) in state["paths"].items():
        shutil.chown(path, group=group)
        Path(path).chmod(mode)


MUTANTS: Final = (
    Mutant(
        id="MUT-HOS-16",
        title="a copy of a server's key in another form lies in the host's folder for temporary files",
        scope=Scope.COMPONENT,
        controls=("HOS-03",),
        plant=_copy_key,
        confirm=lambda stack, _state: _copied(stack).read_bytes() == _der(stack),
        revert=lambda stack, _state: _copied(stack).unlink(missing_ok=True),
        fingerprint=lambda stack: str(_copied(stack).exists()),
    ),
    Mutant(
        id="MUT-HOS-17",
        title="a service's settings were opened to another service's group, so that it finds a password there",
        scope=Scope.COMPONENT,
        controls=("HOS-03",),
        prepare=lambda stack: {"paths": _shared(stack)},
        plant=_share,
        confirm=lambda stack, _state: _mode(_kept(stack, "settings.json")) == 0o640,  # noqa: PLR2004 - the group reads
        revert=_unshare,
        fingerprint=lambda stack: str(_shared(stack)),
    ),
    _left("MUT-HOS-04", "a configuration was packed before a change, and the archive is everybody's", "etc.tgz", _archive),
    _left("MUT-HOS-05", "a core dump of a server lies around", "core.4711", _dump),
    _left(
        "MUT-HOS-06", "a copy of the unsealing key was made for an emergency", "seal", lambda stack: _kept(stack, "seal.key").read_bytes()
    ),
    Mutant(
        id="MUT-HOS-07",
        title="an editor's copy of a configuration lies in a directory that cannot be listed, and can be entered",
        scope=Scope.COMPONENT,
        controls=("HOS-03",),
        prepare=lambda stack: {"mode": _mode(_hidden(stack))},
        plant=_copy_by_name,
        confirm=lambda stack, _state: _mode(_hidden(stack)) == 0o711,  # noqa: PLR2004 - enter, and not list
        revert=_remove_copy,
        fingerprint=lambda stack: f"{_mode(_hidden(stack)):o} {(_hidden(stack) / 'settings.json.bak').exists()}",
    ),
    Mutant(
        id="MUT-HOS-08",
        title="the supervisor's socket was opened to everybody, so that a dashboard can ask it",
        scope=Scope.COMPONENT,
        controls=("HOS-04",),
        prepare=lambda stack: {"mode": _mode(_socket(stack))},
        plant=lambda stack, _state: _socket(stack).chmod(_SOCKET_OPEN),
        confirm=lambda stack, _state: _mode(_socket(stack)) == _SOCKET_OPEN,
        revert=lambda stack, state: _socket(stack).chmod(state["mode"]),
        fingerprint=lambda stack: f"{_mode(_socket(stack)):o}",
    ),
    Mutant(
        id="MUT-HOS-09",
        title="a program of the platform runs with root's rights, whoever starts it",
        scope=Scope.COMPONENT,
        controls=("HOS-04",),
        plant=_lend,
        confirm=lambda stack, _state: _mode(_shell(stack)) == 0o4755,  # noqa: PLR2004 - setuid
        revert=lambda stack, _state: _shell(stack).unlink(missing_ok=True),
        fingerprint=lambda stack: str(_shell(stack).exists()),
    ),
)
