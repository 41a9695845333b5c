"""The live handle of a stack in a cluster: what the harness is told of nodes whose files are not on its machine."""

from __future__ import annotations

import dataclasses
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from constat.stack import GuardedPath
from provision.kind.site import COPIES
from provision.platform.assemble import assemble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Listener, PostgresNode, Stack
    from provision.kind.site import KindSite
    from provision.platform.component import Component


def handle(site: KindSite, components: tuple[Component, ...]) -> Stack:
    """Gather the stack; what is guarded are the harness's own copies, and nothing is said of paths that it cannot reach."""
    stack = assemble(site, components, nodes=site.reached, run_dir=str(site.directory))
    return dataclasses.replace(
        stack,
        guarded=tuple(guarded(site.directory / COPIES)),
        listeners=tuple(_named(site, listener) for listener in stack.listeners),
        postgres=stack.postgres and dataclasses.replace(stack.postgres, nodes=tuple(_remote(site, node) for node in stack.postgres.nodes)),
    )


def guarded(copies: Path) -> Iterator[GuardedPath]:
    """Every copy of a planned file: whoever runs the harness owns it, and nobody else reads it."""
    owner = pwd.getpwuid(os.geteuid()).pw_name
    yield from (GuardedPath(path=str(path), owner=owner, mode=0o600) for path in sorted(copies.rglob("*")) if path.is_file())


def _named(site: KindSite, listener: Listener) -> Listener:
    return dataclasses.replace(listener, inside=str(site.inside.address(listener.node, listener.name)))


def _remote(site: KindSite, node: PostgresNode) -> PostgresNode:
    """A server whose local socket is in its pod."""
    return dataclasses.replace(node, socket_directory="", data_directory=site.inside.path(node.name, Path(node.data_directory).name))
