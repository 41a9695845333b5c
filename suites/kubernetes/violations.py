"""What the standard `restricted` of Pod Security forbids: a pod that keeps it, and one for each way to break it.

The controls are those of https://kubernetes.io/docs/concepts/security/pod-security-standards/.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Manifest = dict[str, Any]
_CONFINED: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
# Where a container may stand in a pod; one for debugging is added to a pod that runs.
PLACES: Final = ("containers", "initContainers")
EPHEMERAL: Final = "ephemeralContainers"


def compliant(name: str, image: str) -> Manifest:
    """A pod that keeps the standard and asks for next to nothing; it holds nothing and only sleeps."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container("probe", image)],
            "initContainers": [container("before", image)],
        },
    }


def container(name: str, image: str) -> Manifest:
    """A container that keeps the standard."""
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sleep", "infinity"],
        "securityContext": copy.deepcopy(_CONFINED),
        "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"memory": "8Mi"}},
    }


def _volume(kind: str, source: Manifest) -> Callable[[Manifest], None]:
    return lambda spec: spec.update(volumes=[{"name": "v", kind: source}])


def _pod(**fields: object) -> Callable[[Manifest], None]:
    return lambda spec: spec.update(fields)


def _for_all(**fields: object) -> Callable[[Manifest], None]:
    """What is said for the pod as a whole, and by no container otherwise."""

    def change(spec: Manifest) -> None:
        spec["securityContext"].update(fields)
        for place in PLACES:
            for each in spec[place]:
                for name in fields:
                    each["securityContext"].pop(name, None)

    return change


def _silent(field: str) -> Callable[[Manifest], None]:
    """What must be said is said nowhere."""

    def change(spec: Manifest) -> None:
        spec["securityContext"].pop(field, None)
        for place in PLACES:
            for each in spec[place]:
                each["securityContext"].pop(field, None)

    return change


def _both(first: Callable[[Manifest], None], second: Callable[[Manifest], None]) -> Callable[[Manifest], None]:
    def change(spec: Manifest) -> None:
        first(spec)
        second(spec)

    return change


def _unmasked(spec: Manifest) -> None:
    spec["containers"][0]["securityContext"]["procMount"] = "Unmasked"


# Of the whole pod: control of the standard → how it is broken.
OF_POD: Final[Mapping[str, Callable[[Manifest], None]]] = {
    "Host Namespaces: network": _pod(hostNetwork=True),
    "Host Namespaces: processes": _pod(hostPID=True),
    "Host Namespaces: shared memory": _pod(hostIPC=True),
    # Valid only together with the machine's network.
    "HostProcess": _both(_pod(hostNetwork=True), _for_all(windowsOptions={"hostProcess": True})),
    # Valid only with users of its own.
    "/proc Mount Type": _both(_pod(hostUsers=False), _unmasked),
    "HostPath Volumes": _volume("hostPath", {"path": "/"}),
    "Volume Types: nfs": _volume("nfs", {"server": "127.0.0.1", "path": "/"}),
    "Volume Types: iscsi": _volume("iscsi", {"targetPortal": "127.0.0.1", "iqn": "iqn.2001-04.com.example:a", "lun": 0}),
    "SELinux: type": _for_all(seLinuxOptions={"type": "spc_t"}),
    "SELinux: user": _for_all(seLinuxOptions={"user": "sysadm_u"}),
    "AppArmor": _for_all(appArmorProfile={"type": "Unconfined"}),
    "Sysctls": _for_all(sysctls=[{"name": "kernel.msgmax", "value": "65536"}]),
    "Seccomp: of the pod": _for_all(seccompProfile={"type": "Unconfined"}),
    "Seccomp: not said": _silent("seccompProfile"),
    "Running as Non-root: of the pod": _for_all(runAsNonRoot=False),
    "Running as Non-root: not said": _silent("runAsNonRoot"),
    "Running as Non-root user: of the pod": _for_all(runAsUser=0),
}
# Of a container, wherever it stands: control of the standard → its security context, or another field.
OF_CONTAINER: Final[Mapping[str, Manifest]] = {
    "Privileged Containers": {"securityContext": {"privileged": True, "allowPrivilegeEscalation": True}},
    "Capabilities: added": {"securityContext": {"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}},
    "Capabilities: added of the default ones": {"securityContext": {"capabilities": {"drop": ["ALL"], "add": ["NET_RAW"]}}},
    "Capabilities: not dropped": {"securityContext": {"capabilities": {"drop": ["NET_RAW"]}}},
    "Host Ports": {"ports": [{"containerPort": 81, "hostPort": 81}]},
    "Privilege Escalation": {"securityContext": {"allowPrivilegeEscalation": True}},
    "Running as Non-root": {"securityContext": {"runAsNonRoot": False}},
    "Running as Non-root user": {"securityContext": {"runAsUser": 0}},
    "Seccomp": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
}


def violating(name: str, image: str) -> dict[str, Manifest]:
    """One pod for each way to break the standard, by the control that it breaks and where."""
    found = {}
    for control, change in OF_POD.items():
        found[control] = compliant(name, image)
        change(found[control]["spec"])
    for control, fields in OF_CONTAINER.items():
        for place in PLACES:
            pod = found[f"{control} in {place}"] = compliant(name, image)
            _break(pod["spec"][place][0], fields)
    return found


def debugging(image: str) -> dict[str, Manifest]:
    """One container for each way to break the standard by adding it to a pod that runs."""
    found = {}
    for control, fields in OF_CONTAINER.items():
        if "ports" not in fields:  # such a container may have none
            found[f"{control} in {EPHEMERAL}"] = _debugger(image, fields)
    return found


def debugger(image: str) -> Manifest:
    """A container that keeps the standard, to be added to a pod that runs."""
    return _debugger(image, {})


def _debugger(image: str, fields: Manifest) -> Manifest:
    each = container("constat-look", image)
    del each["resources"]
    _break(each, fields)
    return each


def _break(each: Manifest, fields: Manifest) -> None:
    each["securityContext"].update(copy.deepcopy(fields.get("securityContext", {})))
    each.update({name: value for name, value in fields.items() if name != "securityContext"})
