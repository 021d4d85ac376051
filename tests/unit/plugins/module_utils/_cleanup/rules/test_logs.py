"""Which logs are old ones that a rotation left."""

from __future__ import annotations

import time
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.find import find_files, path_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.registry import places_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.logs import BENCH_LOGS, SITE_LOGS

from tests.cleanup_folder import make_bench, make_file


def test_rotated_logs_are_found_and_logs_that_are_written_are_not(tmp_path: Path) -> None:
    bench, now = make_bench(tmp_path), time.time()
    for name in (
        "web.log",
        "web.log.1",
        "web.log-20260101",
        "web.log.2.gz",
        "web.error.log",
        "notes.txt",
        "old/x.log.1",
    ):
        make_file(bench.path / "logs" / name, now, 99)
    make_file(bench.sites()[0].path / "logs" / "frappe.log.3", now, 99)
    found = {
        rule.id: sorted(
            path_of(line)
            for place in places_of(rule, [bench, bench])
            for lines in find_files(place.root, place.names, place.depth)
            for line in lines
        )
        for rule in (BENCH_LOGS, SITE_LOGS)
    }
    assert found == {"bench_logs": ["web.log-20260101", "web.log.1", "web.log.2.gz"], "site_logs": ["frappe.log.3"]}
