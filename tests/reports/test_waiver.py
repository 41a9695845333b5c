"""The terms of a waiver are read from the reason, or not at all."""

from __future__ import annotations

from datetime import date

import pytest

from reports.waiver import Terms, terms


def test_owner_day_and_reason_are_read() -> None:
    """What was seen stays at the end of the reason."""
    found = terms("waived by Awa until 2027-01-31: needed until then (mode 0640)")

    assert found == Terms(owner="Awa", expires=date(2027, 1, 31), reason="needed until then (mode 0640)")


@pytest.mark.parametrize("reason", ["", "as expected", "waived by Awa until tomorrow: x", "waived by Awa until 2027-02-31: x"])
def test_other_words_have_no_terms(reason: str) -> None:
    """Nothing is made up from a reason that is worded otherwise."""
    assert terms(reason) is None
