"""The arrow points one way: who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
ALLOWED: Final = {
    "constat": {"constat"},
    "provision": {"provision", "constat"},
    "reports": {"reports", "constat"},
    "fixtures": {"fixtures", "constat", "provision", "reports"},
    "suites": {"suites", "constat"},
    "chaos": {"chaos", "constat"},
    "load": {"load", "constat"},
    "mutants": {"mutants", "constat"},
}
OURS: Final = {*ALLOWED, "cli", "tests", "bench"}


def imports(path: Path) -> set[str]:
    """The repository's own packages that a file imports, wherever in it."""
    tree = ast.parse(path.read_text("utf-8"))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 0]
    return {name.split(".")[0] for name in names} & OURS


def test_every_package_imports_only_what_is_left_of_it() -> None:
    """No package imports another that the layer rule does not allow it."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {', '.join(sorted(extra))}"
        for package, allowed in ALLOWED.items()
        for path in (ROOT / package).rglob("*.py")
        if (extra := imports(path) - allowed)
    ]

    assert wrong == []


def test_the_rule_would_notice(tmp_path: Path) -> None:
    """An import inside a function counts as well as one at the top."""
    path = tmp_path / "sly.py"
    path.write_text("def f():\n    from provision.home import home\n    return home\n")

    assert imports(path) == {"provision"}


def test_only_conftest_names_plugins() -> None:
    """`pytest_plugins` stands in the root conftest.py and nowhere else."""
    naming = [path for path in ROOT.glob("*/**/*.py") if ".tox" not in path.parts and "pytest_plugins =" in path.read_text("utf-8")]

    assert [path for path in naming if path != Path(__file__)] == []


def test_nothing_sleeps_outside_the_one_loop() -> None:
    """`time.sleep` is used nowhere: waiting goes through `constat.wait`."""
    packages = [path for package in (*ALLOWED, "cli") for path in (ROOT / package).rglob("*.py")]
    sleeping = [path for path in packages if "time.sleep(" in path.read_text("utf-8")]

    assert sleeping == []
