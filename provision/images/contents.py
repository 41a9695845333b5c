"""What goes into an image besides Debian's packages: gathered on this machine, with its own access to PyPI."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat import deadlines
from constat.errors import HarnessError
from provision.commands import run
from provision.images.catalogue import CHECKOUT, INSTALLER
from provision.images.sbom import Part
from provision.programs import find, wheel_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provision.images.catalogue import Image

PROJECT: Final = "constat"
# Of the interpreter in the image: Debian 12's.
PYTHON: Final = "3.11"
_GLIBC: Final = ("2014", "_2_17", "_2_28", "_2_34")


def gather(image: Image, context: Path) -> tuple[Part, ...]:
    """Put everything that the image copies into a build context; what of it comes from PyPI."""
    shutil.copy2(image.containerfile, context / image.containerfile.name)
    shutil.copy2(INSTALLER, context / INSTALLER.name)
    parts = tuple(_program(name, context / "programs") for name in image.programs)
    if image.libraries:
        parts += _libraries(image, context / "packages")
    for relative in image.code:
        _copy(CHECKOUT / relative, context / "packages" / relative)
    return parts


def digest(image: Image, base: str) -> str:
    """Of everything that the image is made of, and of the base that it stands on."""
    files = sorted(path for relative in image.code for path in _files(CHECKOUT / relative))
    inputs = [
        base,
        image.containerfile.read_text("utf-8"),
        INSTALLER.read_text("utf-8"),
        [[name, metadata.version(wheel_of(name))] for name in image.programs],
        requirements(image),
        [[str(path.relative_to(CHECKOUT)), hashlib.sha256(path.read_bytes()).hexdigest()] for path in files],
    ]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:12]


def requirements(image: Image) -> list[str]:
    """The image's libraries with the versions that the project pins; HarnessError when it pins one not."""
    pinned = {_name(line): line.partition(";")[0].strip() for line in metadata.requires(PROJECT) or ()}
    if missing := [name for name in image.libraries if _name(name) not in pinned]:
        msg = f"libraries {missing} of image {image.name!r} are no dependency of the project; pin them in pyproject.toml"
        raise HarnessError(msg)
    return [pinned[_name(name)] for name in image.libraries]


def _program(name: str, into: Path) -> Part:
    into.mkdir(exist_ok=True)
    shutil.copy2(find(name, Path(sysconfig.get_path("scripts")), Path(sysconfig.get_path("purelib"))), into / name)
    (into / name).chmod(0o755)
    return Part("pypi", wheel_of(name), metadata.version(wheel_of(name)))


def _libraries(image: Image, into: Path) -> tuple[Part, ...]:
    machine = platform.machine()
    platforms = [word for glibc in _GLIBC for word in ("--platform", f"manylinux{glibc}_{machine}")]
    words = (
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-warn-conflicts", "--target", str(into), "--only-binary", ":all:"),
        *("--python-version", PYTHON, "--implementation", "cp", "--abi", "cp311", "--abi", "abi3", "--abi", "none", *platforms),
    )
    run((*words, *requirements(image)), within=deadlines.IMAGE_BUILT)
    shutil.rmtree(into / "bin", ignore_errors=True)  # scripts for an interpreter of this machine
    return tuple(sorted(Part("pypi", found.name, found.version) for found in metadata.distributions(path=[str(into)])))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        yield from (file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def _name(requirement: str) -> str:
    """The normalized name at the beginning of a requirement."""
    return re.split(r"[\[<>=~!; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")
