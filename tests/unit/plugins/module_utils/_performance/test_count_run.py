"""What is remembered before the first change; the run itself is tested on the lab."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.count_run import remember_counts


def test_first_numbers_stay_and_those_of_units_that_were_not_known_are_added(tmp_path: Path) -> None:
    path = tmp_path / "bench" / "worker-counts.json"
    remember_counts(path, {"b-frappe-web.service": 2}, 2)
    remember_counts(path, {"b-frappe-web.service": 3, "b-frappe-short-worker@.service": 1}, 3)
    assert json.loads(path.read_text()) == {
        "programs": {"b-frappe-web.service": 2, "b-frappe-short-worker@.service": 1},
        "web": 2,
    }
