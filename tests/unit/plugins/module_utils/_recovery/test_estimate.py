from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.estimate import estimate_steps


def seconds(records, **sizes) -> dict[str, float]:
    return {step.name: step.estimate_seconds for step in estimate_steps(records, **sizes)}


def test_without_records_the_measured_default_is_used():
    found = seconds([], sql_bytes=200_000_000, files_bytes=100_000_000)
    assert found["staging_database"] == 15.0
    assert found["staging_files"] == 2.0


def test_the_median_of_the_last_records_counts():
    rates = [1, 1, 1, 1, 10, 10, 10]
    records = [{"module": "staging_database", "bytes": rate * 1_000_000, "seconds": 1} for rate in rates]
    records += [{"module": "staging_database", "bytes": 0, "seconds": 1}, {"module": "site_promotion", "seconds": 2}]
    assert seconds(records, sql_bytes=100_000_000, files_bytes=0)["staging_database"] == 15.0
