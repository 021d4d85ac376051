"""schema.elsewhere: sites of one bench share the reasons for their indexes."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.elsewhere import (
    read_used,
    site_key,
    used_by_others,
)


def test_other_sites_of_the_same_bench_count() -> None:
    bench, other = Bench(Path("/srv/bench")), Bench(Path("/srv/other"))
    site, neighbour, stranger = bench.site("a.example"), bench.site("b.example"), other.site("b.example")
    used = {
        site_key(site): {("tabToDo", "own")},
        site_key(neighbour): {("tabToDo", "shared")},
        site_key(stranger): {("tabToDo", "strange")},
    }
    assert used_by_others(site, used) == {("tabToDo", "shared")}
    assert used_by_others(stranger, used) == set()


def test_site_that_cannot_be_asked_is_left_out(tmp_path: Path) -> None:
    assert read_used([Bench(tmp_path).site("a.example")], 0.0) == {}
