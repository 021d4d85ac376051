"""Measuring the phases of a drill."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.phases import Phases


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_phases_are_measured_in_their_order() -> None:
    """With the bytes that they say; who listens hears of each begin and end."""
    clock, heard = Clock(), []
    phases = Phases(lambda name, event: heard.append((name, event)), clock)
    with phases.run("load") as phase:
        clock.now += 2.5
        phase.bytes = 1000
    with phases.run("prove"):
        clock.now += 1
    assert [phase.as_dict() for phase in phases.measured] == [
        {"name": "load", "seconds": 2.5, "bytes": 1000, "outcome": "done"},
        {"name": "prove", "seconds": 1.0, "bytes": None, "outcome": "done"},
    ]
    assert heard == [("load", "begin"), ("load", "done"), ("prove", "begin"), ("prove", "done")]
    assert phases.seconds("load", "replay") == 2.5


def test_a_phase_that_fails_is_measured_as_well() -> None:
    """And the error goes on."""
    clock, heard = Clock(), []
    phases = Phases(lambda name, event: heard.append((name, event)), clock)

    def load() -> None:
        with phases.run("load"):
            clock.now += 3
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        load()
    assert (phases.measured[0].outcome, phases.measured[0].seconds) == ("failed", 3.0)
    assert heard[-1] == ("load", "failed")
