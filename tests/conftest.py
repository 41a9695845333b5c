"""How the project's own tests try properties: the gate tries the same examples each time, the night looks for new ones."""

from __future__ import annotations

from hypothesis import settings

# Without a time limit for one example, which a busy machine would break.
settings.register_profile("gate", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("gate")
