"""The schemas in docs/schema/ are those of the code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest

from cli.credentials import project
from cli.schemas import FOLDER, schemas, text
from constat.stack import Backups, KeyPair, Listener, Postgres, PostgresNode, Stack

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_file_is_what_the_code_says(name: str) -> None:
    """Each schema's file is up to date; `python -m cli.schemas` writes them."""
    assert (FOLDER / name).read_text("utf-8") == text(schemas()[name])


def stack() -> Stack:
    """A stack with a database and backups."""
    dsn = "postgresql://app:s3cr3t-s3cr3t@127.0.0.1:1/viridial"
    return Stack(
        name="paper",
        target="paper",
        provider="embedded",
        disposable=True,
        run_dir="/nowhere",
        postgres=Postgres(
            admin_dsn=dsn,
            app_dsn=dsn,
            migrator_dsn=dsn,
            backup_dsn=dsn,
            replica_dsn=dsn,
            replication_dsn=dsn,
            pooler_dsn=dsn,
            pooler_admin_dsn=dsn,
            database="viridial",
            context_setting="app.organization_id",
            tenant_column="organization_id",
            nodes=(PostgresNode(name="postgres-1", port=1, data_directory="/nowhere"),),
            ca="/nowhere",
        ),
        backups=Backups(
            stanza="viridial",
            config="/nowhere",
            repository="s3",
            cipher_pass="s3cr3t-s3cr3t",
            bucket="backups",
            identity=KeyPair(access_key="a", secret_key="b"),
            user="postgres",
        ),
        listeners=(Listener(node="n", name="s", port=1, tls=True, protocol="https"),),
    )


def test_credentials_follow_their_schema() -> None:
    """What `constat credentials --json` prints is valid against its schema and has the promised keys."""
    document = project(stack())
    jsonschema.validate({key: value for key, value in document.items() if key != "backups"}, schemas()["credentials.json"])

    assert set(document["backups"]) == {"stanza", "config", "repository", "cipher_pass"}
    promised = {"admin_dsn", "app_dsn", "migrator_dsn", "backup_dsn", "replica_dsn", "pooler_dsn", "pooler_admin_dsn", "nodes"}
    assert promised <= set(document["postgres"])


def test_a_stack_survives_its_file(tmp_path: Path) -> None:
    """A stack that was written down is read back equal."""
    (tmp_path / "stack.json").write_text(json.dumps(stack().to_document()), "utf-8")

    assert Stack.load(tmp_path) == stack()


def test_no_secret_stands_in_a_representation() -> None:
    """Neither repr() nor str() of a stack shows a secret."""
    assert "s3cr3t" not in repr(stack())
