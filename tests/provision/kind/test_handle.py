"""What the harness is told of a stack in a cluster is what it can reach."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from provision.kind.handle import guarded, handle

if TYPE_CHECKING:
    from pathlib import Path

    from provision.kind.site import KindSite
    from provision.platform.component import Component


def test_every_copy_is_guarded(tmp_path: Path) -> None:
    """A file that was planned for a node is private here too, however deep it lies."""
    (tmp_path / "cache" / "deep").mkdir(parents=True)
    for relative in ("cache/key.pem", "cache/deep/users.acl"):
        (tmp_path / relative).write_text("secret")
    (tmp_path / "kubeconfig").write_text("secret")
    found = list(guarded(tmp_path / "cache", tmp_path / "kubeconfig", tmp_path / "absent"))

    assert [path.path.removeprefix(f"{tmp_path}/") for path in found] == ["cache/deep/users.acl", "cache/key.pem", "kubeconfig"]
    assert {(path.owner, path.mode) for path in found} == {(pwd.getpwuid(os.geteuid()).pw_name, 0o600)}


def test_nothing_is_said_of_what_is_in_a_pod(site: KindSite, components: tuple[Component, ...]) -> None:
    """No local socket of a database, no port that only a node itself reaches, and no claim that processes are here."""
    stack = handle(site, components)

    assert stack.postgres is not None
    assert {node.socket_directory for node in stack.postgres.nodes} == {""}
    assert not stack.local_processes
    assert ("gateway", "verify") not in {(listener.node, listener.name) for listener in stack.listeners}
    assert stack.backups is None


def test_a_listener_has_the_name_by_which_nodes_know_it(site: KindSite, components: tuple[Component, ...]) -> None:
    """Monitoring speaks of it under that one, and the harness under the other."""
    found = {listener.node: listener for listener in handle(site, components).listeners}

    assert found["cache"].host == "127.0.0.1"
    assert found["cache"].inside == f"cache.viridial-staging.svc.cluster.local:{found['cache'].port}"
