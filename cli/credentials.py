"""`constat credentials`: endpoints and secrets of a stack that the harness itself created."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import typer

from cli.console import OUT
from cli.options import STACK_NAME, AsJson, Name
from constat.errors import UserError
from constat.stack import Login, Stack
from provision.home import read_label, stack_directory, stacks
from provision.provider import provider


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("credentials", help="Show endpoints and secrets of a stack that constat created.")(credentials)


def credentials(name: Name = STACK_NAME, *, as_json: AsJson = False) -> None:
    """Show them; refused for a platform that somebody else created."""
    label = read_label(stack_directory(name))
    if label is None:
        msg = f"no stack {name!r} (known: {', '.join(stacks()) or 'none'}); run `constat up` first"
        raise UserError(msg)
    if label.provider == "existing":
        msg = f"stack {name!r} was not created by constat, so its secrets are not shown; ask whoever runs it"
        raise UserError(msg)
    document = project(provider(label.provider).attach(name))
    if as_json:
        typer.echo(json.dumps(document, indent=1))
        return
    for key, value in _flat(document):
        OUT.print(f"{key:<44} {value}", soft_wrap=True, markup=False)


def project(stack: Stack) -> dict[str, Any]:
    """Everything that is needed to log in by hand; see docs/schema/credentials.json."""
    document = stack.to_document()
    if stack.broker:
        document["broker"]["amqp_url"] = _with_login(stack.broker.amqp_url, stack.broker.admin)
    backups = document["backups"]
    if backups:
        backups = {key: backups[key] for key in ("stanza", "config", "repository", "cipher_pass")}
    keep = ("postgres", "objects", "cache", "broker", "vault", "gateway", "services", "search", "metrics")
    return (
        {key: document[key] for key in keep if document[key]} | ({"backups": backups} if backups else {}) | {"tenants": document["tenants"]}
    )


def _with_login(url: str, login: Login) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(login.user, safe='')}:{quote(login.password, safe='')}@{rest}"


def _flat(value: object, prefix: str = "") -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in _flat(item, f"{prefix}.{key}" if prefix else str(key))]
    if isinstance(value, list):
        return [pair for number, item in enumerate(value) for pair in _flat(item, f"{prefix}[{number}]")]
    return [(prefix, value)]
