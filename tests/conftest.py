"""How the project's own tests try properties: without a time limit for one example, which a busy machine would break."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("constat", deadline=None)
settings.load_profile("constat")
