"""`python -m cli.schemas`: write the JSON Schemas of docs/schema/, which a test compares with the code."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter

from cli.options import ROOT
from constat.stack import Backups, Broker, Cache, Gateway, Metrics, Objects, Postgres, Search, Tenant, Vault, stack_adapter
from constat.target import Target

FOLDER: Final = ROOT / "docs" / "schema"


class Credentials(BaseModel):
    """What `constat credentials --json` prints; a capability that the stack lacks is left out."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    postgres: Postgres | None = None
    objects: Objects | None = None
    cache: Cache | None = None
    broker: Broker | None = None
    vault: Vault | None = None
    gateway: Gateway | None = None
    services: dict[str, str] | None = None
    search: Search | None = None
    metrics: Metrics | None = None
    backups: Backups | None = None
    tenants: dict[str, Tenant]


def schemas() -> dict[str, dict[str, Any]]:
    """Each schema by its file's name."""
    return {
        "target.json": Target.model_json_schema(),
        "credentials.json": TypeAdapter(Credentials).json_schema(),
        "stack.json": stack_adapter().json_schema(),
    }


def text(schema: dict[str, Any]) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(text(schema), "utf-8")
