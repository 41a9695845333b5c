"""Images are built once: what is made of the same things has the same tag, and is there already."""

from __future__ import annotations

import concurrent.futures
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat import deadlines
from constat.clock import monotonic
from constat.errors import TargetError, UserError
from provision.commands import run
from provision.images.contents import digest, gather
from provision.images.sbom import DPKG_FORMAT, document, of_debian
from provision.secrets import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provision.images.catalogue import Image
    from provision.images.sbom import Part
    from provision.progress import Progress

PREFIX: Final = "constat"
WORKERS: Final = 2  # package scripts compute
# Files of the building machine whose content goes into the build and not into the image.
MACHINE: Final = {"APT_SOURCES": "CONSTAT_APT_SOURCES", "EXTRA_CA": "CONSTAT_EXTRA_CA"}
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def build(images: Iterable[Image], *, base: str, into: Path, progress: Progress) -> dict[str, str]:
    """Build what is not there yet; each image's tag by its name. Their bills of material are written into a directory.

    Raises UserError when the base image cannot be had, TargetError with its last lines when a build fails.
    """
    into.mkdir(mode=0o755, parents=True, exist_ok=True)
    known = _base_id(base)

    def one(image: Image) -> tuple[str, str]:
        return image.name, _built(image, base=base, base_id=known, into=into, progress=progress)

    with concurrent.futures.ThreadPoolExecutor(WORKERS, thread_name_prefix="build") as pool:
        return dict(pool.map(one, images))


def arguments(environment: Mapping[str, str]) -> dict[str, str]:
    """What the building machine adds to a build: proxies, package sources, a certificate; UserError when a file of these is missing."""
    found = {name: environment[name] for name in _PROXIES if environment.get(name)}
    for argument, variable in MACHINE.items():
        if path := environment.get(variable):
            found[argument] = _text(path, variable)
    return found


def _built(image: Image, *, base: str, base_id: str, into: Path, progress: Progress) -> str:
    tag = f"{PREFIX}/{image.name}:{digest(image, base_id)}"
    bill = into / f"{tag.replace('/', '-').replace(':', '-')}.cdx.json"
    if _exists(tag) and bill.exists():
        return tag
    start = monotonic()
    progress.started(f"image {image.name}")
    with tempfile.TemporaryDirectory(prefix="constat-image-") as context:
        parts = gather(image, Path(context))
        _docker_build(Path(context), tag, base)
    write_private(bill, json.dumps(_bill(image, tag, parts), indent=1).encode())
    progress.done(f"image {image.name}", monotonic() - start)
    return tag


def _docker_build(context: Path, tag: str, base: str) -> None:
    given = {"BASE": base, **arguments(os.environ)}
    words = [word for name, value in given.items() for word in ("--build-arg", f"{name}={value}")]
    # The classic builder is everywhere, and needs no image of its own.
    classic = {"DOCKER_BUILDKIT": "0"}
    run(
        ("docker", "build", "--quiet", *words, "--tag", tag, "--file", str(context / "Containerfile"), str(context)),
        within=deadlines.IMAGE_BUILT,
        environment=classic,
    )


def _bill(image: Image, tag: str, parts: tuple[Part, ...]) -> dict[str, object]:
    words = ("docker", "run", "--rm", "--network", "none", tag, "dpkg-query", "--show", f"--showformat={DPKG_FORMAT}")
    return document(image.name, tag, (*of_debian(run(words, within=deadlines.NODE_COMMAND)), *parts))


def _base_id(base: str) -> str:
    if not _exists(base):
        try:
            run(("docker", "pull", "--quiet", base), within=deadlines.IMAGE_BUILT)
        except TargetError as problem:
            msg = f"base image {base!r} is neither here nor to be had; name another as `base_image` in [cluster], or make it: {problem}"
            raise UserError(msg) from None
    return run(("docker", "image", "inspect", "--format", "{{.Id}}", base), within=deadlines.ENGINE_ANSWERS).strip()


def _exists(tag: str) -> bool:
    command = ["docker", "image", "inspect", "--format", "{{.Id}}", tag]
    return subprocess.run(command, capture_output=True, check=False, timeout=deadlines.ENGINE_ANSWERS).returncode == 0


def _text(path: str, variable: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as problem:
        msg = f"{variable}={path!r} cannot be read ({problem.strerror}); name a file, or unset it"
        raise UserError(msg) from None
