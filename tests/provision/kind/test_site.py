"""The harness reaches mapped ports, the nodes reach names, and a certificate is good for both."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from constat.errors import UserError
from provision.kind.cluster import Cluster, is_ours
from provision.kind.configuration import TOLD
from provision.kind.places import Place
from provision.kind.provider import deployed
from provision.kind.site import NODE_PORTS, KindSite, script
from provision.platform.component import Node

if TYPE_CHECKING:
    from pathlib import Path

    from constat.target import Target

WORDS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20), min_size=1, max_size=4)


def test_the_same_port_under_two_names(site: KindSite) -> None:
    """A socket has one number; the harness finds it on loopback, the nodes under the node's name."""
    outside, inside = site.address("cache", "redis"), site.inside.address("cache", "redis")

    assert outside.port == inside.port
    assert outside.port in NODE_PORTS
    assert (outside.host, inside.host) == ("127.0.0.1", "cache.viridial-staging.svc.cluster.local")


def test_an_undeclared_socket_has_no_address(site: KindSite) -> None:
    """What nobody declared is a KeyError in both views, as the protocol says."""
    for view in (site, site.inside):
        with pytest.raises(KeyError):
            view.address("cache", "telnet")


def test_a_port_that_only_the_node_reaches_is_not_mapped(site: KindSite) -> None:
    """The gateway's way to itself stays on its own loopback."""
    own = site.address("gateway", "verify").port

    assert own not in site.ports
    assert all(not socket.own for node in site.reached for socket in node.sockets)


def test_a_certificate_is_good_for_every_name_that_the_node_answers_under(site: KindSite) -> None:
    """A database is reached by its own name, by its pod's, through the proxy, and from this machine."""
    with open(site.certificate("postgres-1").cert, "rb") as file:  # noqa: PTH123 - a path in text
        names = x509.load_pem_x509_certificate(file.read()).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = set(names.get_values_for_type(x509.DNSName)) | {str(address) for address in names.get_values_for_type(x509.IPAddress)}

    assert hosts == {
        *("localhost", "127.0.0.1", "postgres-1", "postgres-1.viridial-staging.svc.cluster.local"),
        *("postgres-1-0.pods.viridial-staging.svc.cluster.local", "proxy.viridial-staging.svc.cluster.local"),
    }


@settings(deadline=None, max_examples=40)
@given(WORDS)
def test_a_command_reaches_a_shell_word_for_word(words: list[str]) -> None:
    """Whatever is in a word or a value, the program on the node gets exactly that, and no input."""
    place = Place(node=Node(name="."), component="cache", namespace="n")
    told = script(place, ("/usr/bin/printf", "%s\\0", *words), {"GIVEN": words[0]}).replace(f"cd {shlex.quote(place.directory)}", "cd /")
    done = subprocess.run(["/bin/sh", "-s"], input=told.encode(), capture_output=True, check=True)

    assert done.stdout.decode().split("\0")[:-1] == words


def test_a_container_is_ours_by_what_it_is_shown() -> None:
    """A cluster of the same name that is not shown this stack's directory is somebody else's."""
    mine = {"Source": "/var/lib/constat/a/cluster", "Destination": TOLD}

    assert is_ours([{"Source": "/lib/modules", "Destination": "/lib/modules"}, mine], "/var/lib/constat/a/cluster")
    assert not is_ours([mine], "/var/lib/constat/b/cluster")
    assert not is_ours([], "/var/lib/constat/a/cluster")


def test_a_component_that_no_pod_can_take_is_refused_with_the_remedy(target: Target, tmp_path: Path) -> None:
    """Asking for it is wrong usage, said before anything is made."""
    with pytest.raises(UserError, match="leave it out of `components`"):
        deployed(target.model_copy(update={"components": ()}))
    assert not Cluster(tmp_path).told.exists()
