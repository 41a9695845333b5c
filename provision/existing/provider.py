"""The provider `existing`: attach to what a stack file names, check that it answers, create nothing there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from constat.clock import monotonic
from constat.errors import UserError
from constat.stack import STACK_FILE, Stack, stack_adapter
from constat.target import load_target
from provision import home
from provision.existing.endpoints import endpoints, unreachable
from provision.existing.references import resolve
from provision.provider import ComponentState

if TYPE_CHECKING:
    from constat.target import Target
    from provision.progress import Progress


class Existing:
    """Implements `provision.provider.Provider`."""

    def open(self, target: Target, *, target_file: Path, name: str, progress: Progress) -> Stack:
        """Check the stack file and its endpoints, and remember where it is; its secrets stay where they are."""
        start = monotonic()
        source = _source(target, target_file)
        stack, _ = read_stack(source, target, name)
        if problems := unreachable(stack):
            raise UserError("the platform cannot be reached:\n" + "\n".join(f"  - {line}" for line in problems))
        directory = home.stack_directory(name)
        if home.read_label(directory) is None:
            home.write_label(directory, provider="existing", target_file=str(target_file))
        (directory / home.TARGET_COPY).write_bytes(target_file.read_bytes())
        (directory / STACK_FILE).write_text(json.dumps({"stack_file": str(source)}), "utf-8")
        progress.done("attached", monotonic() - start)
        return stack

    def attach(self, name: str) -> Stack:
        """Return the handle; references to secrets are looked up again."""
        return self._read(name)[0]

    def close(self, name: str, *, progress: Progress) -> bool:
        """Forget where it is; the platform is not touched."""
        del progress  # nothing takes time
        directory = home.stack_directory(name)
        if home.read_label(directory) is None:
            return False
        shutil.rmtree(directory)
        return True

    def heal(self, name: str) -> tuple[str, ...]:
        """Nothing is ever hurt here."""
        del name
        return ()

    def states(self, name: str) -> dict[str, ComponentState]:
        """Whether each endpoint answers."""
        stack = self.attach(name)
        silent = {line.split(":")[0] for line in unreachable(stack)}
        return {
            part: ComponentState(state="down" if part in silent else "attached", endpoint=f"{host}:{port}")
            for part, (host, port) in endpoints(stack).items()
        }

    def secrets(self, name: str) -> tuple[str, ...]:
        """Every secret that the stack file refers to or holds."""
        return self._read(name)[1]

    def collect_logs(self, name: str, into: Path) -> None:
        """The platform's logs are not ours to take."""
        del name, into

    def _read(self, name: str) -> tuple[Stack, tuple[str, ...]]:
        directory = home.stack_directory(name)
        try:
            source = Path(json.loads((directory / STACK_FILE).read_text("utf-8"))["stack_file"])
        except FileNotFoundError:
            msg = f"stack {name!r} is not attached; run `constat up` with its target file first"
            raise UserError(msg) from None
        return read_stack(source, load_target(directory / home.TARGET_COPY), name)


def _source(target: Target, target_file: Path) -> Path:
    if target.existing is None:
        msg = f"target file {str(target_file)!r}: provider 'existing' needs a table [existing] with `stack`"
        raise UserError(msg)
    return (target_file.absolute().parent / target.existing.stack).resolve()


def read_stack(source: Path, target: Target, name: str) -> tuple[Stack, tuple[str, ...]]:
    """Read a stack file with its references looked up; the stack and its secrets, or UserError with every problem."""
    document = _document(source)
    problems: list[str] = []
    secrets: set[str] = set()
    resolved = resolve(document, problems, secrets)
    resolved |= {
        "name": name,
        "target": target.name,
        "provider": "existing",
        "disposable": False,
        "run_dir": str(home.stack_directory(name)),
    }
    if problems:
        raise UserError(_listing(source, problems))
    if resolved.get("declared"):
        resolved["declared"] = str((source.parent / str(resolved["declared"])).resolve())
    try:
        stack = stack_adapter().validate_python(resolved)
    except ValidationError as problem:
        raise UserError(_listing(source, [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors()])) from None
    return stack, tuple(secrets | set(_hidden(resolved)))


def _document(source: Path) -> dict[str, Any]:
    try:
        document = json.loads(source.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        msg = f"stack file {str(source)!r} cannot be read ({problem}); expected JSON as docs/schema/stack.json describes it"
        raise UserError(msg) from None
    if not isinstance(document, dict):
        msg = f"stack file {str(source)!r} is not an object; docs/schema/stack.json describes it"
        raise UserError(msg)
    return document


def _hidden(value: object, key: str = "") -> list[str]:
    """What stands under a key that by its name holds a secret."""
    if isinstance(value, dict):
        return [secret for name, item in value.items() for secret in _hidden(item, str(name))]
    if isinstance(value, list):
        return [secret for item in value for secret in _hidden(item, key)]
    secret = any(word in key for word in ("password", "secret", "token", "cipher_pass", "access_key"))
    return [value] if secret and isinstance(value, str) else []


def _listing(source: Path, problems: list[str]) -> str:
    return f"stack file {str(source)!r} has {len(problems)} problems:\n" + "\n".join(f"  - {line}" for line in problems)


PROVIDER: Final = Existing()
