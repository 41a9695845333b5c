"""How a component's configuration files come from their templates."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import jinja2

TEMPLATES: Final = Path(__file__).parent / "templates"


def render(template: str, **values: object) -> str:
    """Render a configuration template by its path below `templates/`; an unknown name in it is an error."""
    return _ENVIRONMENT.get_template(template).render(**values)


_ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - configuration files are not HTML
)
