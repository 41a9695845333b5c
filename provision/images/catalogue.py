"""Which image each component runs in, and what goes into it besides Debian's packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER: Final = Path(__file__).parent
CHECKOUT: Final = FOLDER.parents[1]
CONTAINERFILE: Final = "Containerfile"
INSTALLER: Final = FOLDER / "install-packages"
SERVICES: Final = "services"


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image: its folder's name, the programs of Python wheels, the libraries and the project's own code in it."""

    name: str
    programs: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    code: tuple[str, ...] = ()  # files and folders of the checkout

    @property
    def containerfile(self) -> Path:
        """What it is built by."""
        return FOLDER / self.name / CONTAINERFILE


IMAGES: Final = (
    Image(name="coordinator"),
    Image(name="postgres", programs=("dbmate",)),
    Image(name="proxy"),
    Image(name="pooler"),
    Image(name="objects", programs=("weed",)),
    Image(name="cache"),
    Image(name="broker"),
    Image(name="vault", programs=("bao",)),
    Image(
        name=SERVICES,
        libraries=(
            *("aio-pika", "aiohttp", "async-timeout", "bcrypt", "cryptography", "httptools", "msgspec", "prometheus-client"),
            *("psycopg", "PyJWT", "redis", "starlette", "uvicorn", "uvloop"),
        ),
        code=("constat/__init__.py", "provision/__init__.py", "provision/platform/__init__.py", "provision/platform/services"),
    ),
    Image(name="gateway", programs=("traefik",)),
    Image(name="exporters"),
    Image(name="prometheus"),
    Image(name="alertmanager"),
)
_SHARED: Final = {"identity": SERVICES, "property": SERVICES, "search": SERVICES}


def image_of(component: str) -> Image:
    """The image of a component that has processes; KeyError when there is none for it."""
    return {image.name: image for image in IMAGES}[_SHARED.get(component, component)]


def images(components: Iterable[str]) -> tuple[Image, ...]:
    """The images that components need, each once."""
    return tuple(dict.fromkeys(image_of(component) for component in components))
