"""Bring components up: each as soon as what it requires is configured, side by side."""

from __future__ import annotations

import concurrent.futures
import functools
import graphlib
import hashlib
import json
import threading
from typing import TYPE_CHECKING, Protocol

from constat import deadlines, wait
from constat.clock import monotonic
from constat.errors import ConstatError, NotReady, TargetError
from provision.transport import REFUSED, TRANSIENT

if TYPE_CHECKING:
    from pathlib import Path

    from provision.platform.component import Component, Plan, Site
    from provision.progress import Progress

WORKERS = 12  # they wait for servers, they do not compute


class Host(Protocol):
    """What puts a component's plan on a machine or a cluster."""

    def apply(self, component: str, plan: Plan) -> None:
        """Write the files and start the processes; what is already so stays."""

    def check(self, plan: Plan) -> None:
        """Raise TargetError with the last log lines when a process cannot start."""

    def last_words(self, plan: Plan) -> str:
        """What the plan's processes have written last, and where the rest is."""


class Configured:
    """Which components were configured, and by which plan; survives a killed run."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier run has done."""
        self._path = path
        self._digests: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        self._one_at_a_time = threading.Lock()  # components come up side by side, and two may end in the same moment

    def has(self, component: str, digest: str) -> bool:
        """Whether the component was configured under exactly this plan."""
        return self._digests.get(component) == digest

    def add(self, component: str, digest: str) -> None:
        """Remember that it now is."""
        with self._one_at_a_time:
            self._digests[component] = digest
            part = self._path.with_suffix(".part")
            part.write_text(json.dumps(self._digests, indent=1))
            part.replace(self._path)


def bring_up(
    components: tuple[Component, ...],
    site: Site,
    *,
    host: Host,
    configured: Configured,
    progress: Progress,
    within: float = deadlines.COMPONENT_READY,
) -> None:
    """Bring every component up in the order of what it requires, each within that many seconds.

    Raises TargetError that names the component which did not come up, with its last
    log lines; the others are left to the caller to take down.
    """
    by_name = {component.name: component for component in components}
    order = graphlib.TopologicalSorter({c.name: [r for r in c.requires if r in by_name] for c in components})
    order.prepare()
    one = functools.partial(_bring_up_one, site=site, host=host, configured=configured, progress=progress, within=within)
    stop = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(WORKERS, thread_name_prefix="up", initializer=wait.stop_with, initargs=(stop,)) as pool:
        running: dict[concurrent.futures.Future[None], str] = {}
        try:
            while order.is_active():
                for name in order.get_ready():
                    job = pool.submit(one, by_name[name])
                    running[job] = name
                done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for job in done:
                    job.result()
                    order.done(running.pop(job))
        except BaseException as problem:
            # Nothing may be started any more once the caller takes things down.
            stop.set()
            if isinstance(problem, KeyboardInterrupt):
                progress.note("interrupted: what has begun is ending")
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _bring_up_one(component: Component, *, site: Site, host: Host, configured: Configured, progress: Progress, within: float) -> None:
    progress.started(component.name)
    start = monotonic()
    try:
        plan = component.plan(site.inside)
        host.apply(component.name, plan)
        _await(component, site, host=host, plan=plan, within=within)
        digest = _digest(plan)
        if not configured.has(component.name, digest):
            component.configure(site)
            configured.add(component.name, digest)
    except ConstatError as problem:
        msg = f"component {component.name!r} did not come up: {problem}"
        raise type(problem)(msg) from problem
    except REFUSED as problem:
        msg = f"component {component.name!r} could not be configured: {type(problem).__name__}: {problem}"
        raise TargetError(msg) from problem
    progress.done(component.name, monotonic() - start)


def _await(component: Component, site: Site, *, host: Host, plan: Plan, within: float) -> None:
    def look() -> None:
        host.check(plan)
        component.ready(site)

    try:
        wait.until(look, what=f"{component.name} answers", within=within, retry=(NotReady, *TRANSIENT), every=0.1)
    except NotReady as problem:
        msg = f"{problem}; on a busy machine try once more\n{host.last_words(plan)}"
        raise NotReady(msg) from problem


def _digest(plan: Plan) -> str:
    parts = [repr((process.name, process.node, process.command, sorted(process.environment.items()))) for process in plan.processes]
    parts += [repr((file.node, file.path, file.content)) for file in plan.files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
