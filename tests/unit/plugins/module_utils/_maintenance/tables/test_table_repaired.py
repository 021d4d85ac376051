"""repaired: the files of tables as they were before their repair."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.repaired import (
    copy_folder,
    expired_copies,
)

NOW = 1_800_000_000.0
DAY_SECONDS = 86400.0


def copy(state_path: Path, site: str, days: float) -> Path:
    """Make the folder of a copy that is so old."""
    folder = copy_folder(state_path, site, NOW - days * DAY_SECONDS)
    folder.mkdir(parents=True)
    return folder


def test_copies_expire_by_the_time_in_their_name(tmp_path: Path) -> None:
    assert expired_copies(tmp_path, NOW, 30) == []
    newer, older, oldest = copy(tmp_path, "a", 29.9), copy(tmp_path, "a", 30.1), copy(tmp_path, "b", 90)
    assert newer.name == "a-20261216T102400Z"
    assert expired_copies(tmp_path, NOW, 30) == [oldest, older]
    assert expired_copies(tmp_path, NOW, 0) == []


def test_what_is_no_copy_stays(tmp_path: Path) -> None:
    folder = copy(tmp_path, "a", 0).parent
    (folder / "notes").mkdir()
    (folder / "a-20200101T000000Z").write_text("a file")
    (folder / "b-20200101T000000Z").symlink_to(tmp_path)
    assert expired_copies(tmp_path, NOW, 30) == []
