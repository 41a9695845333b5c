"""The provider `kind`: open, attach, close, look, collect logs."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import json
import shutil
from typing import TYPE_CHECKING, Final

from constat import deadlines
from constat.clock import monotonic
from constat.errors import TargetError, UserError
from constat.stack import STACK_FILE, Stack
from constat.target import load_target
from provision import home
from provision.bringup import Configured, bring_up
from provision.images.build import build
from provision.images.catalogue import image_of, images
from provision.journal import Journal
from provision.kind.cluster import Cluster
from provision.kind.configuration import Plan
from provision.kind.ground import ground
from provision.kind.handle import handle, kubernetes
from provision.kind.host import KindHost
from provision.kind.logs import collect
from provision.kind.machines import KindMachines
from provision.kind.pods import Pods
from provision.kind.preflight import require_programs
from provision.kind.site import KindSite
from provision.kind.states import states
from provision.onboarding import onboard
from provision.platform.catalogue import components
from provision.preflight import require_disk
from provision.secrets import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from constat.target import Target
    from provision.home import Label
    from provision.platform.component import Component
    from provision.progress import Progress
    from provision.provider import ComponentState

TARGET_COPY: Final = "target.toml"
LOGS: Final = "logs"
BILLS: Final = ".images"  # beside the stacks: every stack's images are the same
ENCRYPTION_SECRET: Final = "cluster/encryption"  # noqa: S105 - the name of one


class Kind:
    """Implements `provision.provider.Provider`."""

    def open(self, target: Target, *, target_file: Path, name: str, progress: Progress) -> Stack:
        """Bring the cluster and the platform in it up, or finish or mend what is there; idempotent."""
        require_programs()
        require_disk(home.stack_directory(name))
        parts = deployed(target)
        directory, label = _directory(name, target_file)
        site = KindSite(directory, target, parts, Cluster(directory))
        try:
            tags = _made(site, label, progress)
            _populate(site, parts, label, tags=tags, progress=progress)
        except TargetError as problem:
            self.collect_logs(name, directory / LOGS)
            msg = f"{problem}\neverything that was said is in {str(directory / LOGS)!r}; `constat up` goes on from here"
            raise type(problem)(msg) from problem
        stack = dataclasses.replace(handle(site, parts), kubernetes=kubernetes(site, image=next(iter(tags.values()))))
        write_private(directory / STACK_FILE, json.dumps(stack.to_document(), indent=1).encode())
        return self.attach(name)

    def attach(self, name: str) -> Stack:
        """Return the handle of a stack that is up."""
        stack = Stack.load(home.stack_directory(name))
        return dataclasses.replace(stack, machines=_machines(name))

    def close(self, name: str, *, progress: Progress) -> bool:
        """Remove the cluster if it is this stack's, and the stack's directory."""
        directory = home.stack_directory(name)
        if not directory.exists():
            return False
        if home.read_label(directory) is None:
            msg = f"{str(directory)!r} was not made by constat, so it is left alone; remove it yourself, or choose another --name"
            raise UserError(msg)
        start = monotonic()
        Cluster(directory).remove()
        # The label goes last: a removal that is interrupted can be repeated.
        for path in directory.iterdir():
            if path.name != home.LABEL_FILE:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(directory)
        progress.done(f"stack {name}", monotonic() - start)
        return True

    def heal(self, name: str) -> tuple[str, ...]:
        """Undo every fault that a killed run left."""
        machines, healed = _machines(name), []
        for entry in Journal(home.stack_directory(name)).outstanding():
            if entry.kind == "fault":
                machines.heal(entry)
                healed.append(f"{entry.what} of {entry.subject}")
        return tuple(healed)

    def states(self, name: str) -> dict[str, ComponentState]:
        """Each component's state and endpoint."""
        site, parts, label = _standing(name)
        return states(site, parts, Pods(site.cluster.api, label.id))

    def secrets(self, name: str) -> tuple[str, ...]:
        """Every secret of the stack."""
        return _standing(name)[0].kept.all()

    def collect_logs(self, name: str, into: Path) -> None:
        """Copy every log of the stack into a directory."""
        site, _, label = _standing(name)
        if site.cluster.is_created():
            collect(site, Pods(site.cluster.api, label.id), into)


def deployed(target: Target) -> tuple[Component, ...]:
    """The components that the target asks for; UserError when one of them cannot be put into a cluster."""
    parts = components(target)
    if unable := sorted({part.name for part in parts} & NOT_YET.keys()):
        reasons = "; ".join(f"{name}: {NOT_YET[name]}" for name in unable)
        msg = f"provider 'kind' cannot put {', '.join(unable)} into a cluster ({reasons}); leave it out of `components` in the target file"
        raise UserError(msg)
    return parts


# What a component needs that a pod does not give it.
NOT_YET: Final = {"backups": "its scheduler reads the database's files, which are another pod's"}


def _made(site: KindSite, label: Label, progress: Progress) -> dict[str, str]:
    """The cluster and the images, side by side; each component's image by its name."""
    names = list(dict.fromkeys(place.component for place in site.places.values()))
    into = site.directory.parent / BILLS
    with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="cluster") as pool:
        cluster = pool.submit(_cluster, site, label, progress)
        tags = build(images(names), base=site.target.cluster.base_image, into=into, progress=progress)
        cluster.result()
    with _step("images loaded", progress):
        site.cluster.load(tuple(tags.values()))
    return {name: tags[image_of(name).name] for name in names}


def _cluster(site: KindSite, label: Label, progress: Progress) -> None:
    cluster = site.cluster
    if not cluster.is_created():
        plan = Plan(name=cluster.name, stack_id=label.id, told=str(cluster.told), ports=site.ports, cluster=site.target.cluster)
        with _step("cluster", progress):
            cluster.create(plan, site.secret(ENCRYPTION_SECRET))
    elif unmapped := set(site.ports) - cluster.mapped():
        msg = f"the cluster was made without ports {sorted(unmapped)}, which the target now asks for; run `constat down`, then `constat up`"
        raise UserError(msg)
    else:
        cluster.resume()
    cluster.await_api()


def _populate(site: KindSite, parts: tuple[Component, ...], label: Label, *, tags: dict[str, str], progress: Progress) -> None:
    with _step("namespaces, policies, names", progress):
        site.cluster.api.apply_all(ground(site, label.id, site.cluster.entrance()))
    host = KindHost(site, stack=label.id, images=tags, pods=Pods(site.cluster.api, label.id))
    configured = Configured(site.directory / "configured.json")
    bring_up(parts, site, host=host, configured=configured, progress=progress, within=deadlines.CLUSTER_COMPONENT_READY)
    with _step("tenants", progress):
        onboard(site, parts, site.target.tenants)


@contextlib.contextmanager
def _step(what: str, progress: Progress) -> Iterator[None]:
    progress.started(what)
    start = monotonic()
    yield
    progress.done(what, monotonic() - start)


def _directory(name: str, target_file: Path) -> tuple[Path, Label]:
    directory = home.stack_directory(name)
    label = home.read_label(directory) or home.write_label(directory, provider="kind", target_file=str(target_file))
    (directory / TARGET_COPY).write_bytes(target_file.read_bytes())
    return directory, label


def _standing(name: str) -> tuple[KindSite, tuple[Component, ...], Label]:
    directory = home.stack_directory(name)
    label = home.read_label(directory)
    if label is None:
        msg = f"no stack {name!r}; run `constat up` first"
        raise UserError(msg)
    target = load_target(directory / TARGET_COPY)
    parts = deployed(target)
    return KindSite(directory, target, parts, Cluster(directory)), parts, label


def _machines(name: str) -> KindMachines:
    site, _, label = _standing(name)
    return KindMachines(site, Pods(site.cluster.api, label.id), Journal(site.directory))


PROVIDER: Final = Kind()
