"""state: what is kept between runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.state import (
    SEED_BYTES_PER_SECOND,
    MaintenanceState,
    read_state,
    stop_path,
    write_state,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.window import Window


def test_state_is_what_was_kept(tmp_path: Path) -> None:
    state = read_state(tmp_path)
    assert state == MaintenanceState(SEED_BYTES_PER_SECOND, None, {})
    state.begin(Window(1, 2))
    state.note_rebuild("a.example", "tabVersion", 4 * SEED_BYTES_PER_SECOND, 2)
    assert state.bytes_per_second == 2 * SEED_BYTES_PER_SECOND, "what was assumed does not count beside it"
    state.note_rebuild("a.example", "tabFile", SEED_BYTES_PER_SECOND, 1)
    assert state.bytes_per_second == 1.5 * SEED_BYTES_PER_SECOND
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    state.begin(Window(1, 5))
    assert state.rebuilt == {"a.example": ["tabVersion", "tabFile"]}
    state.begin(Window(3, 5))
    assert state.rebuilt == {}


def test_short_rebuild_says_nothing_about_the_disk() -> None:
    state = MaintenanceState()
    state.note_rebuild("a.example", "tabNote", 1000, 0.9)
    assert state.bytes_per_second == SEED_BYTES_PER_SECOND


def test_state_before_the_first_window_can_be_kept(tmp_path: Path) -> None:
    write_state(tmp_path, MaintenanceState())
    assert read_state(tmp_path) == MaintenanceState()


@pytest.mark.parametrize("content", ["no json", "[]", "{}", '{"window": {"began_at": 1, "ends_at": 2}}', "null"])
def test_damaged_state_counts_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "maintenance" / "tables.json"
    path.parent.mkdir()
    path.write_text(content)
    assert read_state(tmp_path) == MaintenanceState()


def test_speed_of_nothing_is_not_believed(tmp_path: Path) -> None:
    write_state(tmp_path, MaintenanceState(0, Window(1, 2), {}))
    assert read_state(tmp_path).bytes_per_second == SEED_BYTES_PER_SECOND


def test_stop_file_has_the_documented_name(tmp_path: Path) -> None:
    assert stop_path(tmp_path) == tmp_path / "maintenance.stop"
