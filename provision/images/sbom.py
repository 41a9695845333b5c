"""What is in an image, as a CycloneDX document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

SPECIFICATION: Final = "1.5"
# For `dpkg-query --show`; what stands between is no part of any of the three.
FIELDS: Final = 3
DPKG_FORMAT: Final = "${Package}\\t${Version}\\t${Architecture}\\n"


@dataclass(frozen=True, order=True)
class Part:
    """A package in an image: where it comes from (`deb` or `pypi`), its name and version."""

    origin: str
    name: str
    version: str
    architecture: str = ""

    @property
    def purl(self) -> str:
        """Its package URL."""
        if self.origin == "deb":
            return f"pkg:deb/debian/{quote(self.name)}@{quote(self.version)}?arch={self.architecture}&distro=debian-12"
        return f"pkg:pypi/{quote(self.name.lower().replace('_', '-'))}@{quote(self.version)}"


def of_debian(listing: str) -> tuple[Part, ...]:
    """The packages that `dpkg-query` lists; ValueError when a line is not of its format."""
    return tuple(_debian(line) for line in listing.splitlines() if line)


def document(name: str, tag: str, parts: Iterable[Part]) -> dict[str, Any]:
    """The document, the same for the same parts in whatever order."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {"component": {"type": "container", "name": name, "version": tag}},
        "components": [
            {"type": "library", "name": part.name, "version": part.version, "purl": part.purl, "bom-ref": part.purl}
            for part in sorted(set(parts))
        ],
    }


def _debian(line: str) -> Part:
    fields = line.split("\t")
    if len(fields) != FIELDS:
        msg = f"dpkg-query says {line!r}, expected {FIELDS} fields; the image is not Debian's"
        raise ValueError(msg)
    return Part("deb", *fields)
