"""`python -m cli` is the `constat` command."""

from __future__ import annotations

from cli.main import main

main()
