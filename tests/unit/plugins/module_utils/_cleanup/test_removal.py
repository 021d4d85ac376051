"""Taking a file away: only the one that was chosen, over no link, and back again."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.items import FileIdentity, Item
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.quarantine import (
    QUARANTINE_NAME,
    Quarantine,
    is_expired,
    run_id,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.removal import (
    put_back,
    remove_empty_quarantine,
    remove_from_quarantine,
    take_away,
)

RUN = Quarantine("20261121T084000Z")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "logs" / "inner"
    path.mkdir(parents=True)
    (path / "a.log").write_text("content")
    return tmp_path / "logs"


def item_of(root: Path, name: str = "inner/a.log") -> Item:
    status = (root / name).stat()
    identity = FileIdentity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return Item("logs", str(root), str(root / name), 4096, 0, "old", identity)


def test_file_is_removed_once(root: Path) -> None:
    item = item_of(root)
    assert take_away(item, 0, None) == "removed"
    assert not Path(item.path).exists()
    assert take_away(item, 0, None) == "gone"


def test_file_waits_in_quarantine_and_comes_back_as_it_was(root: Path) -> None:
    item = item_of(root)
    assert take_away(item, 3, RUN) == "quarantined"
    waiting = root / QUARANTINE_NAME / RUN.run / "3"
    assert waiting.read_text() == "content"
    assert waiting.parent.stat().st_mode & 0o777 == 0o700
    assert not remove_empty_quarantine(root, RUN)
    assert put_back(item, 3, RUN) == "restored"
    assert item_of(root) == item
    assert remove_empty_quarantine(root, RUN)
    assert not (root / QUARANTINE_NAME).exists()
    assert put_back(item, 3, RUN) == "gone"


def test_what_took_the_place_meanwhile_is_not_replaced(root: Path) -> None:
    item = item_of(root)
    take_away(item, 0, RUN)
    Path(item.path).write_text("newer")
    assert put_back(item, 0, RUN) == "occupied"
    assert Path(item.path).read_text() == "newer"
    assert (root / QUARANTINE_NAME / RUN.run / "0").read_text() == "content"


def test_file_leaves_quarantine_for_good(root: Path) -> None:
    item = item_of(root)
    take_away(item, 0, RUN)
    assert remove_from_quarantine(item, 0, RUN) == "removed"
    assert remove_from_quarantine(item, 0, RUN) == "gone"
    assert remove_empty_quarantine(root, RUN)


def test_file_that_was_written_to_stays(root: Path) -> None:
    item = item_of(root)
    Path(item.path).write_text("longer content")
    assert take_away(item, 0, None) == "changed"
    take_away(item_of(root), 1, RUN)
    assert put_back(item, 1, RUN) == "changed"
    assert remove_from_quarantine(item, 1, RUN) == "changed"


@pytest.mark.parametrize("swapped", ["inner/a.log", "inner"])
def test_link_that_took_the_place_is_not_followed(root: Path, tmp_path: Path, swapped: str) -> None:
    item = item_of(root)
    outside = tmp_path / "outside"
    (root / "inner").rename(outside)
    target = outside / "a.log" if swapped == "inner/a.log" else outside
    (root / "inner").mkdir() if swapped == "inner/a.log" else None
    (root / swapped).symlink_to(target)
    assert take_away(item, 0, None) == "unsafe"
    assert take_away(item, 0, RUN) == "unsafe"
    assert (outside / "a.log").read_text() == "content"
    assert (root / swapped).is_symlink()


def test_name_that_leads_out_of_the_root_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("content")
    item = item_of(root)
    outside = Item(**{**vars(item), "path": f"{root}/inner/../../precious"})
    assert take_away(outside, 0, None) == "unsafe"
    assert put_back(outside, 0, RUN) == "unsafe"
    assert (tmp_path / "precious").exists()


def test_quarantine_that_was_swapped_for_a_link_gets_and_gives_nothing(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / QUARANTINE_NAME).symlink_to(outside)
    item = item_of(root)
    assert take_away(item, 0, RUN) == "unsafe"
    assert put_back(item, 0, RUN) == "unsafe"
    assert remove_from_quarantine(item, 0, RUN) == "unsafe"
    assert not remove_empty_quarantine(root, RUN)
    assert list(outside.iterdir()) == []


def test_grace_is_counted_from_the_run_and_from_when_it_was_applied() -> None:
    began = 1_795_000_000
    run = run_id(began)
    assert not is_expired(run, began, began + 7 * 86400, 7)
    assert is_expired(run, began, began + 7 * 86400 + 1, 7)
    assert not is_expired(run, began + 5 * 86400, began + 7 * 86400 + 1, 7), "its plan waited for a review"
    assert not is_expired(run, began, began - 86400, 0), "a run from the future has not expired"
