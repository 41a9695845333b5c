"""The page on paper: a PDF that is the same, byte for byte, whenever it is made from the same page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat.chain import digest
from constat.errors import UserError

if TYPE_CHECKING:
    from typing import NoReturn

PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-liberation")


def render(html: bytes) -> bytes:
    """Lay the page out; raises UserError with the packages to install when the typesetting libraries are not there."""
    try:
        # It loads the machine's libraries when it is imported, which most commands do not need.
        from weasyprint import HTML  # noqa: PLC0415
    except OSError as problem:
        remedy = f"install them with\n  sudo apt-get install -y --no-install-recommends {' '.join(PACKAGES)}"
        msg = f"the libraries that typeset the PDF are missing ({problem}); {remedy}"
        raise UserError(msg) from None
    document = HTML(string=html.decode(), url_fetcher=_nothing)
    # The identifier would be drawn at random; this one stands for the content.
    made: bytes = document.write_pdf(pdf_identifier=bytes.fromhex(digest(html)), pdf_variant="pdf/ua-1")
    return made


def _nothing(url: str, **_: object) -> NoReturn:
    msg = f"the report asks for {url!r}, expected a page that carries everything itself"
    raise UserError(msg)
