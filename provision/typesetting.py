"""What this machine needs to put the recovery report on paper."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import Final

from provision.platform.component import Tool

_LIBRARIES: Final = Path("/usr/lib") / str(sysconfig.get_config_var("MULTIARCH") or "")
_FONTS: Final = "/usr/share/fonts/truetype/liberation"

TOOLS: Final = (
    Tool(path=str(_LIBRARIES / "libpango-1.0.so.0"), package="libpango-1.0-0"),
    Tool(path=str(_LIBRARIES / "libpangoft2-1.0.so.0"), package="libpangoft2-1.0-0"),
    Tool(path=str(_LIBRARIES / "libharfbuzz-subset.so.0"), package="libharfbuzz-subset0"),
    # Without it another font is taken, and the pages are other bytes.
    Tool(path=f"{_FONTS}/LiberationSans-Regular.ttf", package="fonts-liberation"),
)
