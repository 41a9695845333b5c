"""A control plane that keeps, or tells, what it should not; and kubelets that anybody may ask."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from constat import deadlines, wait
from constat.errors import NotReady, Unobservable
from constat.mutant import Mutant, Scope, State
from constat.observe import etcd, kubernetes
from mutants.kubernetes.objects import client_of, tenants

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.stack import ClusterMachine, Stack

_MANIFEST: Final = "/etc/kubernetes/manifests/kube-apiserver.yaml"
_KUBELET: Final = "/var/lib/kubelet/config.yaml"
_NAME: Final = "constat-mutant"
# A container that ends is started later each time; of a pod that is another one, nothing is held against it.
_RENEW: Final = """
perl -ne 'next if m{{constat.dev/restarted}}; print; print qq(    constat.dev/restarted: "{nonce}"\\n) if "{nonce}" && /^  annotations:$/' \
  {manifest} > /etc/kubernetes/.constat.yaml && \
  chmod --reference={manifest} /etc/kubernetes/.constat.yaml && mv /etc/kubernetes/.constat.yaml {manifest}
"""


def _file(stack: Stack, name: str) -> Path:
    cluster = kubernetes.required(stack)
    if not cluster.configuration:
        msg = "the stack does not name the directory from which its control plane is configured"
        raise Unobservable(msg)
    return Path(cluster.configuration) / name


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.touch(mode=0o600)
    part.write_text(text, "utf-8")
    part.replace(path)


def _restart(stack: Stack, *, nonce: str) -> None:
    """Have the API server started anew, so that it reads its files; without a nonce its manifest is as it was."""
    machine = kubernetes.control_plane(kubernetes.required(stack))
    before = _server(machine)
    if nonce or "constat.dev/restarted" in kubernetes.on(machine, f"cat {_MANIFEST}\n"):
        kubernetes.on(machine, _RENEW.format(nonce=nonce, manifest=_MANIFEST))
        wait.until(
            lambda: _server(machine),
            what="the API server is another",
            within=deadlines.CONTROL_PLANE_BACK,
            every=0.5,
            holds=lambda now: now not in {"", before},
        )
    wait.until(lambda: _ready(stack), what="the API server is ready", within=deadlines.CONTROL_PLANE_BACK, every=0.5)


def _server(machine: ClusterMachine) -> str:
    return kubernetes.on(machine, "pidof kube-apiserver || true\n").strip()


def _ready(stack: Stack) -> None:
    with client_of(stack) as client:
        try:
            reply = kubernetes.ask(client, "GET", "/readyz")
        except Unobservable as problem:
            raise NotReady(str(problem)) from None
    if not reply.is_success:
        msg = f"it answers {reply.status}"
        raise NotReady(msg)


def _configured(mutant_id: str, title: str, *, controls: tuple[str, ...], name: str, change: Callable[[dict[str, Any]], None]) -> Mutant:
    """Make a mutant of a file that the API server reads when it starts."""

    def prepared(stack: Stack) -> State:
        return {"text": _file(stack, name).read_text("utf-8")}

    def changed(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document, indent=1)

    def planted(stack: Stack, state: State) -> None:
        _write(_file(stack, name), changed(state["text"]))
        _restart(stack, nonce=secrets.token_hex(4))

    def reverted(stack: Stack, state: State) -> None:
        _write(_file(stack, name), state["text"])
        _restart(stack, nonce="")

    def everything(stack: Stack) -> str:
        manifest = kubernetes.on(kubernetes.control_plane(kubernetes.required(stack)), f"cat {_MANIFEST}\n")
        return f"{_digest(_file(stack, name).read_text('utf-8'))}\n{_digest(manifest)}"

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.STACK,
        controls=controls,
        prepare=prepared,
        plant=planted,
        confirm=lambda stack, state: _file(stack, name).read_text("utf-8") == changed(state["text"]),
        revert=reverted,
        fingerprint=everything,
    )


def _in_clear(document: dict[str, Any]) -> None:
    document["resources"][0]["providers"].reverse()


def _unaudited(document: dict[str, Any]) -> None:
    document["rules"].insert(
        0, {"level": "None", "resources": [{"group": "", "resources": ["secrets"]}], "verbs": ["get", "list", "watch"]}
    )


def _verbose(document: dict[str, Any]) -> None:
    document["rules"][-1]["level"] = "RequestResponse"


def _key(stack: Stack) -> str:
    return f"{etcd.SECRETS}{tenants(stack)}/{_NAME}"


def _old(stack: Stack, state: State) -> None:
    """A Secret as it stood there before anybody thought of encryption."""
    namespace = state["key"].split("/")[3]
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": _NAME, "namespace": namespace, "uid": "00000000-0000-4000-8000-00000000c0de"},
        "data": {"password": base64.b64encode(secrets.token_bytes(12)).decode()},
        "type": "Opaque",
    }
    with etcd.connect(kubernetes.required(stack)) as store:
        etcd.put(store, state["key"], json.dumps(document).encode())


def _forget(stack: Stack, state: State) -> None:
    with etcd.connect(kubernetes.required(stack)) as store:
        etcd.remove(store, state["key"])


def _kept(stack: Stack, key: str) -> bool:
    with etcd.connect(kubernetes.required(stack)) as store:
        return any(kept.key == key for kept in etcd.kept(store, key))


def _worker(stack: Stack) -> ClusterMachine:
    return min((machine for machine in kubernetes.required(stack).machines if not machine.is_control_plane), key=lambda each: each.name)


def _kubelets(stack: Stack) -> str:
    return kubernetes.on(_worker(stack), f"cat {_KUBELET}\n")


def _open_kubelet(stack: Stack, state: State) -> None:
    """Whoever asks is let in, and may do anything."""
    open_it = r"perl -0pi -e 's/(anonymous:\s*\n\s*enabled:) false/$1 true/; s/(authorization:\s*\n\s*mode:) Webhook/$1 AlwaysAllow/'"
    del state  # what was there is known to the journal
    kubernetes.on(_worker(stack), f"{open_it} {_KUBELET} && systemctl restart kubelet\n")


def _close_kubelet(stack: Stack, state: State) -> None:
    coded = base64.b64encode(state["text"].encode()).decode()
    put = f"base64 -d > {_KUBELET}.part <<'END'\n{coded}\nEND\nchmod 644 {_KUBELET}.part && mv {_KUBELET}.part {_KUBELET}"
    kubernetes.on(_worker(stack), f"{put} && systemctl restart kubelet\n")


def _kubelet_answers(stack: Stack) -> bool:
    """Whether it is there, by its own word on its machine's loopback."""
    return kubernetes.on(_worker(stack), "curl --silent http://127.0.0.1:10248/healthz || true\n").strip() == "ok"


MUTANTS: Final = (
    Mutant(
        id="MUT-KUB-ETC-01",
        title="a Secret stands in the store as it was written before encryption was switched on",
        scope=Scope.STORE,
        controls=("KUB-ETC-01",),
        prepare=lambda stack: {"key": _key(stack)},
        plant=_old,
        confirm=lambda stack, state: _kept(stack, state["key"]),
        revert=_forget,
        fingerprint=lambda stack: str(_kept(stack, _key(stack))),
    ),
    _configured(
        "MUT-KUB-ETC-02",
        "encryption was switched off for what is written from now on, by the order of two lines",
        controls=("KUB-ETC-01",),
        name="encryption.json",
        change=_in_clear,
    ),
    _configured(
        "MUT-KUB-AUD-01",
        "who reads Secrets is no longer written down, because the log grew",
        controls=("KUB-AUD-01",),
        name="audit.json",
        change=_unaudited,
    ),
    _configured(
        "MUT-KUB-AUD-02",
        "the audit log keeps whole requests and answers, Secrets and tokens among them",
        controls=("KUB-AUD-01",),
        name="audit.json",
        change=_verbose,
    ),
    Mutant(
        id="MUT-KUB-ANO-02",
        title="a machine's kubelet lets in whoever asks, since monitoring had no certificate",
        scope=Scope.COMPONENT,
        controls=("KUB-ANO-01",),
        prepare=lambda stack: {"text": _kubelets(stack)},
        plant=_open_kubelet,
        confirm=lambda stack, state: _kubelets(stack) != state["text"] and _kubelet_answers(stack),
        revert=_close_kubelet,
        fingerprint=lambda stack: f"{_kubelet_answers(stack)}\n{_kubelets(stack)}",
    ),
)
