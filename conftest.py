"""Table of contents: the plugins that the suites and the project's own tests are run with."""

from __future__ import annotations

pytest_plugins = (
    "fixtures.stack",
    "fixtures.exposure",
    "fixtures.selection",
    "fixtures.verdict",
    "fixtures.progress",
    "fixtures.allure_results",
    "fixtures.canaries",
    "fixtures.logs",
    "fixtures.tenants",
)
