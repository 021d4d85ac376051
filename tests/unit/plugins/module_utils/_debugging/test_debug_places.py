"""Where debug mode gathers what happens."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.places import (
    fullest,
    gathered,
    log_folders,
    named_files,
    set_aside,
    size_bytes,
    slow_logs,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.state import DebugState, ServerDebug, SiteDebug
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.variables import Change
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.mounts import Usage


def state(folder: Path) -> DebugState:
    """Two sites of one bench; a server with a log of ours, one with its own, one elsewhere."""
    for name in ("bench/logs", "data", "other"):
        (folder / name).mkdir(parents=True)
    sites = tuple(SiteDebug(name, str(folder / "bench"), 30, 0, 1800, {}) for name in ("one", "two"))
    ours = {"slow_query_log_file": Change("a", ("b",))}
    return DebugState(
        sites,
        (
            ServerDebug("db:1", ours, str(folder / "data" / "ours.log")),
            ServerDebug("db:2", {}, str(folder / "other" / "theirs.log")),
            ServerDebug("db:3", ours, ""),
        ),
    )


def test_disk_with_the_least_room_counts(tmp_path: Path) -> None:
    found = state(tmp_path)
    folders = [tmp_path / "bench" / "logs", tmp_path / "data", tmp_path / "other"]
    assert log_folders(found) == folders
    percents = dict(zip(folders, (50, 7, 90)))
    usages = {folder: Usage(percent, 100, 0, 0) for folder, percent in percents.items()}
    assert fullest(found, lambda asked: {folder: usages[folder] for folder in asked}) == (tmp_path / "data", 7.0)
    assert fullest(found, lambda _asked: {}) == (None, 100.0)


def test_what_was_gathered_is_named_with_its_size_where_it_is_there(tmp_path: Path) -> None:
    found = state(tmp_path)
    ours, monitor = tmp_path / "data" / "ours.log", tmp_path / "bench" / "logs" / "monitor.json.log"
    assert slow_logs(found.servers) == [ours, Path(f"{ours}.1")]
    assert gathered(found) == []
    ours.write_text("new")
    Path(f"{ours}.1").write_text("older")
    monitor.write_text("{}")
    assert named_files(gathered(found)) == [
        {"path": str(ours), "bytes": 3},
        {"path": f"{ours}.1", "bytes": 5},
        {"path": str(monitor), "bytes": 2},
    ]


def test_no_link_is_followed_and_nothing_is_set_aside_where_nothing_is(tmp_path: Path) -> None:
    log, link = tmp_path / "a.log", tmp_path / "b.log"
    set_aside(log)
    log.write_text("rows")
    link.symlink_to(log)
    assert size_bytes(link) == 0
    set_aside(link)
    assert link.is_symlink()
    set_aside(log)
    assert Path(f"{log}.1").read_text() == "rows"
    assert size_bytes(log) == 0
