"""The documentation's way to check evidence without Constat works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.reports.bundle.bundles import KEY, STRANGER, Tree, genuine, written

PAGE = Path(__file__).resolve().parents[3] / "docs" / "evidence.md"


def check(tree: Tree, directory: Path, key: bytes) -> int:
    """Run the page's own lines in a bundle; their exit code."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    (written(tree, directory) / "evidence.pub").write_bytes(key)
    return subprocess.run([sys.executable, "-c", code], cwd=directory, capture_output=True, check=False).returncode


def test_the_lines_of_the_documentation_check_a_bundle(tmp_path: Path) -> None:
    """They accept what was signed, and neither another key nor a changed file."""
    public, other = (key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in (KEY, STRANGER))

    assert check(dict(genuine()), tmp_path / "genuine", public) == 0
    assert check(dict(genuine()), tmp_path / "stranger", other) != 0
    assert check({**genuine(), "report.pdf": b""}, tmp_path / "changed", public) != 0
