"""The target files of platforms that are already there: complete, without a secret, and accepted once they are filled in."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Final

import pytest

from cli.catalogue import all_controls
from cli.options import ROOT
from constat.errors import UserError
from constat.target import load_target
from provision.existing.provider import read_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from constat.finding import Json

FILES: Final = sorted(path for path in (ROOT / "targets").glob("*.toml") if load_target(path).provider == "existing")
REFERENCE: Final = re.compile(r'"env:(\w+)"')
# What is the same for everybody; all else is an address or a secret of somebody's, and so a reference.
PLAIN: Final = {"database", "context_setting", "tenant_column", "vhost", "kind", "organization_id", "plan"}


@functools.cache
def controls() -> frozenset[str]:
    """Every control that there is."""
    return frozenset(rule.id for rule in all_controls())


def stack_file(path: Path) -> Path:
    """The stack file that a target names."""
    named = load_target(path).existing
    assert named is not None
    return path.parent / named.stack


def leaves(value: Json, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document, with the key that it stands under; texts of a list are names and left out."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, name)
    elif isinstance(value, str):
        yield key, value


def test_every_platform_has_a_file() -> None:
    """There is a file for each of the platforms that Constat is made for."""
    assert {path.stem for path in FILES} == {"viridial-existing", "koprogo", "basmalin", "camps", "fullfrontend"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_named_but_by_reference(path: Path) -> None:
    """No address and no secret stands in a stack file: whoever runs it unchanged reaches nobody."""
    document = json.loads(stack_file(path).read_text("utf-8"))

    assert [f"{key} = {value}" for key, value in leaves(document) if key not in PLAIN and not value.startswith("env:")] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_not_filled_in_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its variables a stack file is refused in one message that names every one of them."""
    names = set(REFERENCE.findall(stack_file(path).read_text("utf-8")))
    for name in names:
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(UserError) as caught:
        read_stack(stack_file(path), load_target(path), "ours")

    assert {name for name in names if repr(name) not in str(caught.value)} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_that_is_filled_in_is_accepted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a value for every variable the stack file is a stack, with the target's own tenants."""
    for name in REFERENCE.findall(stack_file(path).read_text("utf-8")):
        monkeypatch.setenv(name, f"https://{name.lower().replace('_', '-')}.test")
    target = load_target(path)

    stack, _ = read_stack(stack_file(path), target, "ours")

    assert {name: (tenant.organization_id, tenant.plan) for name, tenant in stack.tenants.items()} == {
        name: (tenant.organization_id, tenant.plan) for name, tenant in target.tenants.items()
    }


@pytest.mark.parametrize("path", sorted((ROOT / "targets").glob("*.toml")), ids=lambda path: path.stem)
def test_only_controls_that_exist_are_excused(path: Path) -> None:
    """A target waives, or calls not applicable, only controls that there are."""
    target = load_target(path)

    assert {*target.waivers, *target.not_applicable} <= controls()
