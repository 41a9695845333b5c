"""What stores say of their users, paths and names, as observers read it."""

from __future__ import annotations

import pytest

from constat.observe.broker import _paths
from constat.observe.cache import _user
from constat.observe.objects import _SERVER
from constat.observe.vault import _path, _prefix


@pytest.mark.parametrize(
    ("line", "enabled", "needs_password"),
    [
        ("user default on nopass sanitize-payload ~* &* +@all", True, False),
        ("user default off sanitize-payload resetchannels -@all", False, True),
        ("user t1 on sanitize-payload #8044ef ~t1:* -@all", True, True),
    ],
)
def test_a_user_of_the_cache_is_read_from_its_rules(line: str, *, enabled: bool, needs_password: bool) -> None:
    """Whether it can log in, and whether with nothing."""
    user = _user(line)

    assert (user.name, user.enabled, user.needs_password) == (line.split()[1], enabled, needs_password)


def test_paths_of_the_management_api_are_filled_in() -> None:
    """Places get a name, the virtual host its own, and notes on the page are left out."""
    cell = "/api/definitions<br/>\n   /api/all-configuration <em>(deprecated)</em><br/>/api/queues/<i>vhost</i>/<i>name</i>"

    assert list(_paths(cell, "viridial", "x")) == ["/api/definitions", "/api/all-configuration", "/api/queues/viridial/x"]


def test_a_path_of_the_secret_store_is_filled_in() -> None:
    """A list is a method of its own, and the server's word on strangers is kept."""
    listed = {"get": {"parameters": [{"name": "list"}]}, "post": {}, "x-vault-unauthenticated": True}
    path = _path("/auth/{mount}/role/{name}", listed, "x")

    assert (path.url, path.methods, path.unauthenticated) == ("auth/x/role/x", frozenset({"GET", "LIST", "POST"}), True)


@pytest.mark.parametrize(
    ("template", "prefix"),
    [("issued-{{.RoleName}}-{{random 16}}", "issued-"), ("", "v-"), ("{{random 20}}", "")],
)
def test_issued_names_begin_as_their_template_does(template: str, prefix: str) -> None:
    """A template without a literal beginning recognises nobody."""
    assert _prefix({"connection_details": {"username_template": template}}) == prefix


@pytest.mark.parametrize(("header", "version"), [("SeaweedFS 8000GB 4.48", "4.48"), ("MinIO/8.1.0", "8.1.0"), ("nginx", None)])
def test_an_object_store_names_its_version_in_its_answers(header: str, version: str | None) -> None:
    """The numbers after the name, not the size of the disk."""
    match = _SERVER.search(header)

    assert (match[1] if match else None) == version
