"""Statements of an attack: only what is needed is made, and parts that are in many of them are rendered once."""

from __future__ import annotations

import pytest
from psycopg import sql

from suites.tenancy.postgres.acts import twins
from suites.tenancy.postgres.scenes import Scene
from suites.tenancy.postgres.seeds import Rendered
from tests.suites.tenancy.postgres import samples


@pytest.fixture
def scene() -> Scene:
    """A table of which everything is granted."""
    everything = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
    columns = (samples.column("organization_id", "uuid", granted=everything), samples.column("name", granted=everything))
    relation = samples.relation(columns=columns, privileges=everything)
    mine, theirs = samples.seed("t1"), samples.seed("t10")
    return Scene(relation=relation, tenant_column="organization_id", mine=mine, spare=mine, theirs=theirs)


def test_a_part_is_rendered_as_it_would_be() -> None:
    """In a statement, beside other parts, and quoted where it has to be."""
    part = sql.Identifier("public", 'a "name"')
    assert (sql.SQL("SELECT * FROM {}").format(Rendered(part))).as_bytes() == sql.SQL("SELECT * FROM {}").format(part).as_bytes()
    assert (sql.SQL("TABLE ") + Rendered(part)).as_string() == 'TABLE "public"."a ""name"""'


@pytest.mark.parametrize("needed", [["read"], ["change", "insert"], ["delete", "read"], []])
def test_only_the_twins_that_are_needed_are_made(scene: Scene, needed: list[str]) -> None:
    """In the order in which they are asked for."""
    assert list(twins(scene, needed).acts) == needed
    assert list(twins(scene, needed).canaries) == needed


def test_a_twin_that_is_not_granted_is_not_made(scene: Scene) -> None:
    """Then the attempt says that its positive control was not tried."""
    assert not twins(scene, ["truncate"]).acts
