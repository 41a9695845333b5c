"""The sandbox's configuration: from the platform's, with what is in escrow and nothing else that is secret."""

from __future__ import annotations

from pathlib import Path

from constat.stack import Backups, KeyPair
from suites.backups.sandbox import configuration

PLATFORMS = """\
[global]
repo1-type=s3
repo1-s3-bucket=backups
repo1-s3-key=platform-key
repo1-s3-key-secret=platform-secret
repo1-cipher-pass=platform-pass
repo1-storage-ca-file=/platform/node/ca.pem
repo1-retention-full=30
archive-async=n
log-path=/platform/node/log

[viridial]
pg1-path=/platform/node/data
"""
BACKUPS = Backups(
    stanza="viridial",
    config="",
    repository="s3://backups/pgbackrest",
    cipher_pass="escrow-pass",
    bucket="backups",
    identity=KeyPair(access_key="escrow-key", secret_key="escrow-secret"),
    user="postgres",
)


def test_nothing_of_the_platforms_nodes_and_secrets_is_used() -> None:
    """Whatever opens the repository comes from escrow; no path of a node is left."""
    text = configuration(PLATFORMS, BACKUPS, Path("/scratch"))

    assert "platform" not in text
    for given in ("escrow-pass", "escrow-key", "escrow-secret"):
        assert given in text


def test_the_repository_is_the_platforms() -> None:
    """Where and how the repository is kept is taken over; what would delete from it is not."""
    lines = configuration(PLATFORMS, BACKUPS, Path("/scratch")).splitlines()

    assert "repo1-type=s3" in lines
    assert "repo1-s3-bucket=backups" in lines
    assert "pg1-path=/scratch/data" in lines
    assert not any("retention" in line for line in lines)
