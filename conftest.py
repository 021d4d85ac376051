"""Makes the checkout importable as the collection `lifeboat.frappe`, whatever its folder is called."""

from __future__ import annotations

import pathlib
import sys

import pytest
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from tests.tools.checkout import COLLECTIONS_PATH, link_collection

link_collection()
_AnsibleCollectionFinder(paths=[str(COLLECTIONS_PATH)])._install()

# A machine that is busy with something else must not make a property false, and every run tries the same examples: what
# was tested and delivered does not fail by the luck of another draw.
settings.register_profile(
    "same", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")
# Hypothesis mixes in the constants of whatever modules are imported, which differ with the tests that ran before.
providers._get_local_constants = lambda none=providers._local_constants: none


def pytest_configure(config: pytest.Config) -> None:
    """Register our marks here: ansible-test has a configuration of its own, and reads this file as well."""
    config.addinivalue_line("markers", "promise(number): injects the fault of that promise of docs/promises.md")
    config.addinivalue_line("markers", "check(id): injects the fault that this check of the registry finds")
