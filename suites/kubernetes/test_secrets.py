"""Secrets: what the cluster keeps of them is encrypted."""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import etcd, kubernetes
from constat.outcome import Impact, Outcome, Severity
from suites.kubernetes.canary import idle, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

    from constat.observe.etcd import Kept
    from constat.stack import Kubernetes, Stack

# `k8s:enc:PROVIDER:v1:KEY:` stands before what the API server has encrypted.
_ENCRYPTED: Final = re.compile(rb"k8s:enc:(aescbc|aesgcm|secretbox|kms):v[0-9]:[^:]*:")
CANARY: Final = "constat-canary"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the store keeps, what the API lists, and what was just written through it."""

    secrets: tuple[Kept, ...]
    listed: frozenset[str]  # namespace/name
    canary: str
    readable: bool  # whether the same canary, kept as no secret, was seen there


@control(
    "KUB-ETC-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("kubernetes",),
    promises=("secrets.managed",),
    refs=("CIS Kubernetes 1.2.27", "NSA/CISA Kubernetes Hardening 4.4", "ISO 27001 A.8.24", "CWE-312"),
    remediation="Put an encrypting provider first in the API server's encryption configuration, and write every Secret anew.",
)
def test_every_secret_is_encrypted_where_it_is_kept(stack: Stack, findings: Findings) -> None:
    """Every Secret of the cluster, and one that is written just now, stands encrypted in the store behind the API."""
    cluster = kubernetes.required(stack)
    with kubernetes.administrator(cluster) as client:
        findings.judge(judged(observe(client, cluster)))


def observe(client: httpx.Client, cluster: Kubernetes) -> Seen:
    """Write a canary as a Secret, and as what is none; read the store past the API."""
    canary, namespace = f"canary-{secrets.token_hex(16)}", idle(client, cluster)
    path, coded = f"/api/v1/namespaces/{namespace}", base64.b64encode(canary.encode()).decode()
    metadata = {"metadata": {"name": CANARY}}
    with (
        standing(client, f"{path}/secrets", {**metadata, "data": {"canary": coded}}),
        standing(client, f"{path}/configmaps", {**metadata, "data": {"canary": canary}}),
        etcd.connect(cluster) as store,
    ):
        listed = [entry["metadata"] for entry in kubernetes.items(client, "/api/v1/secrets")]
        kept, others = etcd.kept(store, etcd.SECRETS), etcd.kept(store, f"{etcd.CONFIG_MAPS}{namespace}/")
    names = frozenset(f"{entry['namespace']}/{entry['name']}" for entry in listed)
    return Seen(secrets=kept, listed=names, canary=canary, readable=any(canary.encode() in other.value for other in others))


def judged(seen: Seen) -> Iterator[Judgement]:
    """One judgement for each Secret in the store; Unobservable when the store shows nothing that could be read."""
    if not seen.readable:
        msg = "what was written as no secret cannot be read in the store: that a secret cannot be says nothing"
        raise Unobservable(msg)
    names = {kept.key.removeprefix(etcd.SECRETS): kept for kept in seen.secrets}
    for name, kept in names.items():
        yield judge(name, kept, seen.canary)
    missing = sorted(seen.listed - set(names))
    yield coverage(len(seen.listed) - len(missing), len(seen.listed), what="Secrets that the API lists", left_out=tuple(missing))


def judge(name: str, kept: Kept, canary: str) -> Judgement:
    """PASS when what is kept begins as an encrypting provider writes it, and shows no canary."""
    found = _ENCRYPTED.match(kept.value)
    shown = _shows(kept.value, canary)
    observed = f"encrypted by {found[1].decode()}" if found else "as it is"
    return Judgement(
        subject=name,
        outcome=Outcome.PASS if found and not shown else Outcome.FAIL,
        reason="the canary stands there in clear" if shown else observed if found else "it is kept as it is: who reads the store reads it",
        expected="encrypted",
        observed=observed,
        positive_control="the same canary, kept as no secret, was read there",
    )


def _shows(value: bytes, canary: str) -> bool:
    return any(form in value for form in _forms(canary.encode()))


def _forms(canary: bytes) -> Iterable[bytes]:
    return canary, base64.b64encode(canary).rstrip(b"=")
