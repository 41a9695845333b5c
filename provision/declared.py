"""What a stack declares: the files and processes of its plan, and what every server says once it has been configured by it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from constat.observe import deployed
from constat.observe.settings import observed, questions
from constat.settings import fingerprint, text
from provision.secrets import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from constat.stack import Stack
    from provision.platform.component import Component, Plan, Site
    from provision.progress import Progress

FILE: Final = "declared.json"


def declare(stack: Stack, parts: tuple[Component, ...], site: Site, path: Path, progress: Progress) -> None:
    """Write the declared tables down, unless this very plan was declared before: another `up` does not make drift a promise.

    A server that does not say is noted, and its control ends in ERROR.  Processes are
    declared where they are this machine's.
    """
    files = deployed.by_node(_written(parts, site))
    plan = fingerprint(text([files, sorted(stack.tenants), [part.name for part in parts]]))
    if path.exists() and json.loads(path.read_text("utf-8"))["plan"] == plan:
        return
    servers, silent = observed(questions(stack))
    for subject, problem in silent.items():
        progress.note(f"{subject} does not say what it runs with: {problem}")
    processes = deployed.processes(stack.run_dir) if stack.local_processes else {}
    write_private(path, json.dumps({"plan": plan, "servers": servers, "files": files, "processes": processes}, indent=1).encode())


def _written(parts: tuple[Component, ...], site: Site) -> Iterator[tuple[str, str, bytes]]:
    for part in parts:
        plan: Plan = part.plan(site.inside)
        for file in plan.files:
            yield file.node, file.path, file.content.encode() if isinstance(file.content, str) else file.content
