from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.lifecycle import (
    TABLE_DATE,
    end_of_life,
    release_cycle,
)


@pytest.mark.parametrize(
    ("product", "version", "cycle"),
    [
        ("mariadb", "10.11.19-MariaDB-0+deb12u1-log", "10.11"),
        ("mariadb", "10.1.48-MariaDB", ""),
        ("redis", "7.0.15", "7.0"),
        ("python", "3.11.7", "3.11"),
        ("debian", "12", "12"),
        ("debian", "12.7", "12"),
        ("ubuntu", "24.04.1 LTS", "24.04"),
        ("frappe", "15.55.1", "15"),
        ("erpnext", "16.0.0-dev", "16"),
        ("node", "v20.11.0", "20"),
        ("node", "unknown", ""),
        ("abacus", "1.0", ""),
    ],
)
def test_the_series_of_a_version(product, version, cycle):
    assert release_cycle(product, version) == cycle
    assert (end_of_life(product, version) is None) == (not cycle)


def test_ends_of_life():
    assert end_of_life("mariadb", "10.11.19") == date(2028, 2, 16)
    assert end_of_life("valkey", "8.1.3") == date(2028, 3, 31)
    assert date(2026, 1, 1) < TABLE_DATE
