"""Defects of the object store's policies that people really make."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any, Final

import psutil

from constat.errors import Unobservable
from constat.mutant import Mutant, Scope
from mutants.security.files import directory, rewrite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from constat.stack import Stack

    Statements = list[dict[str, Any]]

OBJECTS, LISTS, BUCKETS, SIGNED = "TEN-OBJ-01", "TEN-OBJ-02", "TEN-OBJ-03", "TEN-OBJ-04"
_POLICY: Final = "tenant"
_FILE: Final = "identities.json"


def policy(mutant_id: str, title: str, change: Callable[[Statements], Statements], *, controls: tuple[str, ...]) -> Mutant:
    """Make a mutant of a change of the tenants' policy, which the server reads anew."""
    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=controls,
        prepare=lambda stack: {"statements": _statements(stack)},
        plant=lambda stack, state: _write(stack, change(json.loads(json.dumps(state["statements"])))),
        confirm=lambda stack, state: _statements(stack) == change(json.loads(json.dumps(state["statements"]))),
        revert=lambda stack, state: _write(stack, state["statements"]),
        fingerprint=lambda stack: path(stack).read_text("utf-8"),
    )


def path(stack: Stack) -> Path:
    """The store's own list of identities and policies."""
    return directory(stack, "objects") / _FILE


def _statements(stack: Stack) -> Statements:
    document = json.loads(path(stack).read_text("utf-8"))
    found = next((json.loads(kept["content"]) for kept in document["policies"] if kept["name"] == _POLICY), None)
    if found is None:
        msg = f"{str(path(stack))!r} has no policy {_POLICY!r}"
        raise Unobservable(msg)
    return list(found["Statement"])


def _write(stack: Stack, statements: Statements) -> None:
    document = json.loads(path(stack).read_text("utf-8"))
    for kept in document["policies"]:
        if kept["name"] == _POLICY:
            kept["content"] = json.dumps({"Version": "2012-10-17", "Statement": statements})
    write(stack, json.dumps(document, indent=1))


def write(stack: Stack, text: str) -> None:
    """Give the list another text, and let the server read it."""
    rewrite(path(stack), text)
    for process in psutil.process_iter():
        if _serves(process, str(directory(stack, "objects"))):
            process.send_signal(signal.SIGHUP)


def _serves(process: psutil.Process, home: str) -> bool:
    """Whether it is this stack's gateway."""
    try:
        return process.cwd() == home and "s3" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _everywhere(statements: Statements, *actions: str) -> Statements:
    resources = sorted({resource.split("/")[0] + "/*" for resource in statements[0]["Resource"]})
    return [*statements, {"Effect": "Allow", "Action": list(actions), "Resource": resources}]


def _on_buckets(statements: Statements, *actions: str) -> Statements:
    return [*statements, {"Effect": "Allow", "Action": list(actions), "Resource": statements[1]["Resource"]}]


def _without_slash(statements: Statements) -> Statements:
    statements[0]["Resource"] = [resource.replace("${aws:username}/*", "${aws:username}*") for resource in statements[0]["Resource"]]
    return statements


def _lists_without_slash(statements: Statements) -> Statements:
    statements[1]["Condition"]["StringLike"]["s3:prefix"] = ["${aws:username}*"]
    return statements


def _lists_all(statements: Statements) -> Statements:
    del statements[1]["Condition"]
    return statements


def _every_action(statements: Statements) -> Statements:
    statements[1]["Action"] = ["s3:*"]
    del statements[1]["Condition"]
    return statements


MUTANTS: Final = (
    policy("MUT-TEN-OBJ-01", "the policy's prefix lost its slash, and t1 is how t10 begins", _without_slash, controls=(OBJECTS,)),
    policy("MUT-TEN-OBJ-02", "the listing's condition lost its slash", _lists_without_slash, controls=(LISTS,)),
    policy("MUT-TEN-OBJ-03", "the listing's condition was dropped, because a browser showed nothing", _lists_all, controls=(LISTS,)),
    policy(
        "MUT-TEN-OBJ-04",
        "a clean-up job may delete everywhere, with the tenants' policy",
        lambda statements: _everywhere(statements, "s3:DeleteObject"),
        controls=(OBJECTS,),
    ),
    policy(
        "MUT-TEN-OBJ-05",
        "tags may be read and written everywhere, for a cost report",
        lambda statements: _everywhere(statements, "s3:GetObjectTagging", "s3:PutObjectTagging"),
        controls=(OBJECTS,),
    ),
    policy(
        "MUT-TEN-OBJ-06",
        "uploads may be seen and aborted everywhere, to clean up what was not finished",
        lambda statements: _on_buckets(
            _everywhere(statements, "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"), "s3:ListBucketMultipartUploads"
        ),
        controls=(OBJECTS, LISTS),
    ),
    policy(
        "MUT-TEN-OBJ-07",
        "a tenant may set the bucket's policy and lifecycle, for its own retention",
        lambda statements: _on_buckets(
            statements, "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration", "s3:PutBucketLifecycleConfiguration"
        ),
        controls=(BUCKETS,),
    ),
    policy(
        "MUT-TEN-OBJ-08", "every action on the bucket was allowed while somebody was debugging", _every_action, controls=(LISTS, BUCKETS)
    ),
    policy(
        "MUT-TEN-OBJ-09",
        "everything may be read, since images are public anyway",
        lambda statements: _everywhere(statements, "s3:GetObject"),
        controls=(OBJECTS, SIGNED),
    ),
    policy(
        "MUT-TEN-OBJ-10",
        "objects may be put anywhere, for an inbox between tenants",
        lambda statements: _everywhere(statements, "s3:PutObject"),
        controls=(OBJECTS,),
    ),
)
