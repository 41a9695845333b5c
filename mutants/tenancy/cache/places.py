"""Defects of rules about other names than those that a tenant's keys and channels usually have."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.cache.rules import CHANNELS, KEYS, rules

MUTANTS: Final = (
    rules(
        "MUT-TEN-CAC-20", "sessions may be looked up whoever's they are, by a pattern without the name", "~*:session:*", controls=(KEYS,)
    ),
    rules("MUT-TEN-CAC-21", "alerts are heard on everybody's channel, by a pattern without the name", "&*:alerts", controls=(CHANNELS,)),
)
