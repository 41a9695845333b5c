"""Rules of the object store at places, and with words, that nobody would think of; and keys beside the declared ones."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any, Final

from constat.mutant import Mutant, Scope, State
from constat.needed import needed
from constat.observe import objects
from mutants.tenancy.objects.policies import path, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.stack import Objects, Stack

    Document = dict[str, Any]

_OBJECTS: Final = ("TEN-OBJ-01",)


def opened(mutant_id: str, title: str, **statement: Any) -> Mutant:
    """Make a mutant of a policy of the documents' bucket, which lets everybody do what the statement says."""

    def text(stack: Stack) -> str:
        allowed = {"Effect": "Allow", "Principal": "*", **statement}
        allowed |= {"Resource": f"arn:aws:s3:::{_bucket(stack)}/{statement['Resource']}"}
        return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})

    def reverted(stack: Stack, state: State) -> None:
        del state  # there was none
        objects.connect(_store(stack), _store(stack).admin).delete_bucket_policy(_bucket(stack))

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.STORE,
        controls=_OBJECTS,
        plant=lambda stack, _state: objects.connect(_store(stack), _store(stack).admin).set_bucket_policy(_bucket(stack), text(stack)),
        confirm=lambda stack, _state: bool(_policy(stack)),
        revert=reverted,
        fingerprint=_policy,
    )


def listed(mutant_id: str, title: str, change: Callable[[Document], None]) -> Mutant:
    """Make a mutant of the store's own list of identities, which it reads anew."""

    def planted(stack: Stack, state: State) -> None:
        document = json.loads(state["text"])
        change(document)
        write(stack, json.dumps(document, indent=1))

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=_OBJECTS,
        prepare=lambda stack: {"text": path(stack).read_text("utf-8")},
        plant=planted,
        confirm=lambda stack, state: path(stack).read_text("utf-8") != state["text"],
        revert=lambda stack, state: write(stack, state["text"]),
        fingerprint=lambda stack: path(stack).read_text("utf-8"),
    )


def _store(stack: Stack) -> Objects:
    return needed(stack.objects, "object store")


def _bucket(stack: Stack) -> str:
    return next(bucket for bucket in _store(stack).buckets if "document" in bucket)


def _policy(stack: Stack) -> str:
    return objects.policy(_store(stack), _bucket(stack))


def _second_pair(document: Document) -> None:
    service = next(one for one in document["identities"] if one["name"] == "service")
    service["credentials"].append({"accessKey": secrets.token_hex(10).upper(), "secretKey": secrets.token_urlsafe(24)})


def _reads_everything(document: Document) -> None:
    backup = next(one for one in document["identities"] if one["name"] == "backup")
    backup["policyNames"].append("service")


MUTANTS: Final = (
    opened(
        "MUT-TEN-OBJ-11",
        "everybody may read what any tenant keeps in one folder, for a portal",
        Action="s3:GetObject",
        Resource="*/portal/*",
    ),
    opened(
        "MUT-TEN-OBJ-12",
        "everybody who comes from the application's pages may read one tenant's documents",
        Action="s3:GetObject",
        Resource="t10/*",
        Condition={"StringLike": {"aws:Referer": ["https://app.example/*"]}},
    ),
    listed("MUT-TEN-OBJ-13", "the services' identity has a second pair of keys, which a report uses", _second_pair),
    listed("MUT-TEN-OBJ-14", "the backup's identity was given the services' policy too, for one restore", _reads_everything),
)
