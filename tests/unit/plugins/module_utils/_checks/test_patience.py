"""All that a check waits for follows from its deadline."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.patience import PATIENT, USUAL, Patience


@pytest.mark.parametrize(
    ("patience", "waits"),
    [(USUAL, (3, 2.5, 2, 2)), (PATIENT, (15, 12.5, 10, 10)), (Patience(0.6), (0.6, 0.5, 0.4, 1))],
    ids=["usual", "patient", "short"],
)
def test_waits_follow_from_the_deadline(patience: Patience, waits: tuple[float, ...]) -> None:
    found = (patience.deadline_seconds, patience.wait_seconds, patience.answer_seconds, patience.connect_seconds)
    assert found == pytest.approx(waits)
