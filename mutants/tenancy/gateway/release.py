"""A mutant that is a release of a service with a defect in its code: deployed, seen to run, and rolled back."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from constat import deadlines, wait
from constat.errors import Unobservable
from constat.machines import Releases
from constat.mutant import Mutant, Scope, State
from constat.observe import http

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.stack import Stack

# What a service's process loads of the repository.
_PACKAGES: Final = ("provision/__init__.py", "provision/platform/__init__.py")
SERVICES: Final = "provision/platform/services"


@dataclass(frozen=True, kw_only=True)
class Change:
    """An edit of one file of the services: `before` stands in it exactly once."""

    file: str
    before: str
    after: str


def released(mutant_id: str, title: str, *, service: str, changes: Iterable[Change], controls: tuple[str, ...]) -> Mutant:
    """Make a mutant of edits to a service's code; the release is a copy, and the checkout is never touched."""
    edits = tuple(changes)

    def prepared(stack: Stack) -> State:
        # What was done to a store just before may have cost the service its connections.
        wait.until(
            lambda: is_ready(stack, service),
            what=f"{service} is ready",
            within=deadlines.STACK_HEALED,
            every=0.2,
            retry=(Unobservable,),
            holds=bool,
        )
        return {"release": _releases(stack).release(service), "directory": str(Path(stack.run_dir) / "releases" / mutant_id.lower())}

    def planted(stack: Stack, state: State) -> None:
        build(Path(state["release"]), Path(state["directory"]), edits)
        _releases(stack).deploy(service, state["directory"])

    def confirmed(stack: Stack, state: State) -> bool:
        return running(stack, service) == state["directory"] and is_ready(stack, service)

    def reverted(stack: Stack, state: State) -> None:
        if running(stack, service) != state["release"]:
            _releases(stack).deploy(service, state["release"])
        shutil.rmtree(state["directory"], ignore_errors=True)

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=controls,
        prepare=prepared,
        plant=planted,
        confirm=confirmed,
        revert=reverted,
        fingerprint=lambda stack: _fingerprint(stack, service),
    )


def build(release: Path, directory: Path, edits: Iterable[Change]) -> None:
    """Copy what a service loads, and edit the copy; Unobservable when the code is another than the mutant knows."""
    shutil.rmtree(directory, ignore_errors=True)
    for name in _PACKAGES:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(release / name, directory / name)
    shutil.copytree(release / SERVICES, directory / SERVICES, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in edits:
        path = directory / SERVICES / edit.file
        text = path.read_text("utf-8")
        if text.count(edit.before) != 1:
            msg = f"{edit.file!r} holds {edit.before!r} {text.count(edit.before)} times, expected once; bring the mutant up to date"
            raise Unobservable(msg)
        path.write_text(text.replace(edit.before, edit.after), "utf-8")


def running(stack: Stack, service: str) -> str:
    """The release that the service's process really runs, by its environment; Unobservable when there is no such process."""
    for process in psutil.process_iter():
        if (release := _release_of(process, f"{stack.run_dir}/{service}")) is not None:
            return release
    msg = f"no process of {service!r} is running"
    raise Unobservable(msg)


def is_ready(stack: Stack, service: str) -> bool:
    """Whether the service and everything behind it answers."""
    with http.client(http.authority(stack), stack.services[service]) as client:
        found = http.readiness(client)
    return found.ready and set(found.dependencies.values()) == {"answers"}


def _release_of(process: psutil.Process, home: str) -> str | None:
    try:
        return process.environ().get("PYTHONPATH") if process.cwd() == home else None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _fingerprint(stack: Stack, service: str) -> str:
    release = Path(running(stack, service))
    code = sorted((str(path.relative_to(release)), path.read_bytes()) for path in (release / SERVICES).rglob("*.py"))
    digest = hashlib.sha256(repr(code).encode()).hexdigest()
    left = sorted(path.name for path in (Path(stack.run_dir) / "releases").glob("*"))
    return f"{release}\n{digest}\nready: {is_ready(stack, service)}\nother releases: {left}"


def _releases(stack: Stack) -> Releases:
    if not isinstance(stack.machines, Releases):
        msg = "this stack's provider cannot run another release of a service"
        raise Unobservable(msg)
    return stack.machines
