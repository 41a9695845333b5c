"""What a cluster in containers needs on this machine, and the exact command that brings what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

from constat import deadlines
from constat.errors import UserError

KIND_VERSION: Final = "v0.30.0"
KUBECTL_VERSION: Final = "v1.34.0"
ENGINE: Final = "docker"


@dataclass(frozen=True)
class Program:
    """A program, and the command that installs it."""

    name: str
    install: str


def programs(machine: str = platform.machine()) -> tuple[Program, ...]:
    """What must be on PATH."""
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return (
        Program(ENGINE, "sudo apt-get install -y docker.io   # or https://docs.docker.com/engine/install/"),
        Program("kind", _download(f"https://kind.sigs.k8s.io/dl/{KIND_VERSION}/kind-linux-{architecture}", "kind")),
        Program("kubectl", _download(f"https://dl.k8s.io/release/{KUBECTL_VERSION}/bin/linux/{architecture}/kubectl", "kubectl")),
    )


def require_programs(path: str | None = None) -> None:
    """Raise UserError that names every missing program with the command to paste, or an engine that does not answer."""
    missing = [program for program in programs() if not shutil.which(program.name, path=path)]
    if missing:
        commands = "\n".join(f"  {program.install}" for program in missing)
        msg = f"missing on this machine: {', '.join(program.name for program in missing)}; install with\n{commands}"
        raise UserError(msg)
    _require_engine()


def _require_engine() -> None:
    command = [ENGINE, "version", "--format", "{{.Server.Version}}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=deadlines.ENGINE_ANSWERS)
    if done.returncode != 0:
        problem = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        user = os.environ.get("USER", "you")
        msg = (
            f"the container engine does not answer: {problem}; start it with `sudo systemctl start docker`, "
            f"and let {user} use it with `sudo usermod -aG docker {user}`"
        )
        raise UserError(msg)


def _download(url: str, name: str) -> str:
    return f"sudo curl -fsSLo /usr/local/bin/{name} {url} && sudo chmod 0755 /usr/local/bin/{name}"
