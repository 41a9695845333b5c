"""Objects: what is secret stands in Secrets, and in no other object of the cluster."""

from __future__ import annotations

import json
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import contents, http, kubernetes
from constat.observe.words import private_words, spelled
from constat.outcome import Impact, Outcome, Severity
from constat.secrets import secrets_of
from suites.kubernetes.acts import groups
from suites.kubernetes.canary import idle, standing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from constat.stack import Kubernetes, Stack

CANARY = "constat-canary"
# Where a Secret keeps what is secret; its labels and annotations are read by whoever lists names.
_KEPT = ("data", "stringData")


@control(
    "KUB-OBJ-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("kubernetes",),
    promises=("secrets.managed",),
    refs=("CIS Kubernetes 5.4.1", "OWASP K08:2022", "ISO 27001 A.8.24", "CWE-312", "CWE-526"),
    remediation="Move the word into a Secret that the pod mounts as a file, and change it: whoever reads objects has seen it.",
)
def test_no_object_but_a_secret_holds_a_secret(stack: Stack, findings: Findings) -> None:
    """No object of the cluster, of whatever kind, shows a password, token or key of the platform but the Secret that keeps it."""
    cluster = kubernetes.required(stack)
    words = spelled(secrets_of(stack) | private_words(stack.run_dir, stack.guarded))
    with kubernetes.administrator(cluster) as client:
        findings.judge(attack(client, cluster, words))


def attack(client: httpx.Client, cluster: Kubernetes, words: frozenset[bytes]) -> Iterator[Judgement]:
    """Every object of every kind that can be listed; a canary, put where nothing secret belongs, must be found by the same search."""
    canary = f"canary{secrets.token_hex(16)}"
    path = f"/api/v1/namespaces/{idle(client, cluster)}/configmaps"
    with standing(client, path, {"metadata": {"name": CANARY}, "data": {"word": canary}}):
        found, unlisted = objects(client)
    yield from judged(found, searched(found, words | {canary.encode()}))
    kinds = len({name.partition(" ")[0] for name in found})
    yield coverage(kinds, kinds + len(unlisted), what="kinds of objects", left_out=unlisted)


def objects(client: httpx.Client) -> tuple[dict[str, str], tuple[str, ...]]:
    """The text of every object by its name, and the kinds that could not be listed."""
    found: dict[str, str] = {}
    unlisted = []
    for group, resources in groups(client).items():
        for resource in resources:
            if "list" not in resource["verbs"] or "/" in resource["name"]:
                continue
            reply = kubernetes.ask(client, "GET", f"{group}/{resource['name']}")
            if reply.is_success:
                found |= {named(resource["name"], entry): text(resource["name"], entry) for entry in _items(reply)}
            else:
                unlisted.append(str(resource["name"]))
    return found, tuple(unlisted)


def _items(reply: http.Reply) -> tuple[dict[str, Any], ...]:
    return tuple(reply.json().get("items") or ())


def named(kind: str, entry: Mapping[str, Any]) -> str:
    """As findings call it: `configmaps viridial/settings`."""
    metadata = entry.get("metadata", {})
    return f"{kind} {'/'.join(filter(None, (metadata.get('namespace', ''), metadata.get('name', ''))))}"


def text(kind: str, entry: Mapping[str, Any]) -> str:
    """Everything that an object says, a line each, as it was before it became JSON; of a Secret all but what it keeps."""
    shown = {key: value for key, value in entry.items() if not (kind == "secrets" and key in _KEPT)}
    return "\n".join(_strings(shown))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str):
        yield value
        yield from _strings(_parsed(value))


def _parsed(value: str) -> object:
    """An object in an annotation, as tools leave it behind; of what is none, nothing."""
    try:
        return json.loads(value) if value.startswith("{") else None
    except ValueError:
        return None


def searched(found: Mapping[str, str], words: frozenset[bytes]) -> frozenset[str]:
    """The names of those that hold one of the words, or a private key."""
    names = list(found)
    with tempfile.TemporaryDirectory(prefix="constat-") as directory:
        paths = [str(Path(directory) / str(number)) for number in range(len(names))]
        for path, name in zip(paths, names, strict=True):
            Path(path).write_text(found[name], "utf-8")
        held = contents.holding(paths, words)
    keys = {name for name in names if contents.PRIVATE_KEY.search(found[name].encode())}
    return frozenset({name for path, name in zip(paths, names, strict=True) if path in held} | keys)


def judged(found: Mapping[str, str], holding: frozenset[str]) -> Iterator[Judgement]:
    """FAIL for each that holds a word; Unobservable when not even the canary was found."""
    canaries = {name for name in found if name.startswith("configmaps ") and name.endswith(f"/{CANARY}")}
    if not canaries & holding:
        msg = "a word that was put into an object on purpose was not found in it, so that nothing was found says nothing"
        raise Unobservable(msg)
    others = holding - canaries
    for name in sorted(others):
        yield Judgement(
            subject=name, outcome=Outcome.FAIL, reason="it holds a secret of the platform", expected="none", observed="a secret"
        )
    yield Judgement(
        subject="all others",
        outcome=Outcome.PASS if len(found) > len(holding) else Outcome.NOT_REVIEWED,
        reason=f"{len(found) - len(holding)} objects hold no secret",
        positive_control="the canary was found by the same search",
    )
