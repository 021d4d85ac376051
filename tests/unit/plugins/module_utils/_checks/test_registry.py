"""Entering checks into the registry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.catalogue import all_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import (
    REGISTRY,
    Check,
    Remediation,
    check,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Target

WORDS = {
    "title": "t",
    "subject": "host",
    "target": Target,
    "measures": "m",
    "source": "s",
    "unit": "count",
    "impact": "low",
    "remediation": Remediation("r"),
    "reference": "own proposal",
}


@pytest.fixture
def registry() -> Iterator[dict[str, Check]]:
    """The registry, which is afterwards as it was."""
    kept = dict(REGISTRY)
    yield REGISTRY
    REGISTRY.clear()
    REGISTRY.update(kept)


def test_decorated_function_is_entered_and_stays_what_it_is(registry: dict[str, Check]) -> None:
    @check("X01", "made.up", **WORDS)
    def made_up(_target: Target) -> list:
        return []

    assert made_up(Target("t", None)) == []
    assert (registry["X01"].name, registry["X01"].measure, registry["X01"].is_sampled) == ("made.up", made_up, False)


@pytest.mark.usefixtures("registry")
def test_two_checks_with_one_id_are_a_mistake() -> None:
    check("X01", "made.up", **WORDS)(lambda _target: [])
    with pytest.raises(ValueError, match="X01"):

        @check("X01", "made.up", **WORDS)
        def other(_target: Target) -> list:
            return []


def test_catalogue_is_ordered_by_id() -> None:
    ids = [each.id for each in all_checks()]
    assert ids == sorted(ids)
    assert "A01" in ids
