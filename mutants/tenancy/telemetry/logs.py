"""Servers that write down what tenants say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg

from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State
from mutants.tenancy.gateway.release import Change, released

if TYPE_CHECKING:
    from constat.stack import Stack

_DECODED: Final = "            value = await decode(scope, receive)\n"
_REFUSED: Final = "        except Problem as problem:\n            return refusal(problem)\n        except Exception"
_CONTROLS: Final = ("TEN-TEL-01",)


def _ask(stack: Stack, *statements: str) -> str:
    """The last statement's first value, asked as the administrator."""
    if stack.postgres is None:
        msg = "the stack has no database"
        raise Unobservable(msg)
    with psycopg.connect(stack.postgres.admin_dsn, autocommit=True) as connection:
        rows = [
            connection.execute(statement).fetchone() if statement.startswith("S") else connection.execute(statement)
            for statement in statements
        ]
        last = rows[-1]
        return str(last[0]) if isinstance(last, tuple) else ""


def _log_everything(stack: Stack, state: State) -> None:
    del state  # it is reset
    _ask(stack, "ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()")


def _log_as_before(stack: Stack, state: State) -> None:
    """What the configuration says counts again, and what was written down meanwhile is not kept: there are passwords in it."""
    _ask(stack, "ALTER SYSTEM RESET log_statement", "SELECT pg_reload_conf()")
    for name, size in state["sizes"].items():
        if (path := Path(name)).exists() and path.stat().st_size > size:
            os.truncate(path, size)


def _sizes(stack: Stack) -> State:
    nodes = stack.postgres.nodes if stack.postgres else ()
    return {"sizes": {str(path): path.stat().st_size for node in nodes for path in Path(stack.run_dir, node.name).glob("*.log")}}


MUTANTS: Final = (
    released(
        "MUT-TEN-TEL-01",
        "a service writes down what it was given, to find out why an import failed",
        service="property",
        changes=(
            Change(
                file="application.py",
                before=_DECODED,
                after=f'{_DECODED}            LOG.info("%s %s %r", scope["method"], self._route, value)\n',
            ),
        ),
        controls=_CONTROLS,
    ),
    released(
        "MUT-TEN-TEL-02",
        "a service writes the headers down of what it refuses",
        service="search",
        changes=(
            Change(
                file="application.py",
                before=_REFUSED,
                after=_REFUSED.replace(
                    "            return", '            LOG.info("refused %s %s", self._route, scope["headers"])\n            return'
                ),
            ),
        ),
        controls=_CONTROLS,
    ),
    Mutant(
        id="MUT-TEN-TEL-03",
        title="the database logs every statement with its parameters since somebody looked for a slow one",
        scope=Scope.STACK,
        controls=_CONTROLS,
        prepare=_sizes,
        plant=_log_everything,
        confirm=lambda stack, _state: _ask(stack, "SHOW log_statement") == "all",
        revert=_log_as_before,
        fingerprint=lambda stack: _ask(stack, "SHOW log_statement"),
    ),
    released(
        "MUT-TEN-TEL-04",
        "a service writes down in base64 which file it was given",
        service="property",
        changes=(
            Change(
                file="images.py",
                before="        await self._objects.put(key, call.input, call.media_type)",
                after="        import base64, logging\n"
                '        logging.getLogger("provision.audit").error("put %s", base64.b64encode(call.input).decode())\n'
                "        await self._objects.put(key, call.input, call.media_type)",
            ),
        ),
        controls=("TEN-TEL-01",),
    ),
)
