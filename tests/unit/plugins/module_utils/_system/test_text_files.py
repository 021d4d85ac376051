"""``text_files``: what is written, what stays untouched, and who may read it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.text_files import write_texts

TEXTS = {"a.txt": "one\n", "b.txt": "zwö\n"}


def write(folder: Path, texts: dict[str, str] = TEXTS, **options: Any) -> list[str]:
    """Write texts and return the names of those that were not there."""
    differences = write_texts(folder, texts, mode=0o640, folder_mode=0o750, **options)
    return [Path(difference["after_header"]).name for difference in differences]


def modes(*paths: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in paths]


@pytest.mark.parametrize("umask", [0o000, 0o077], ids=["open", "closed"])
def test_new_folders_and_files_have_their_mode_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    tmp_path.chmod(0o711)
    before = os.umask(umask)
    try:
        assert write(tmp_path / "x" / "y") == ["a.txt", "b.txt"]
    finally:
        os.umask(before)
    assert modes(tmp_path, tmp_path / "x", tmp_path / "x" / "y", tmp_path / "x" / "y" / "b.txt") == [
        *(0o711, 0o750, 0o750, 0o640)
    ]
    assert {path.name: path.read_text() for path in (tmp_path / "x" / "y").iterdir()} == TEXTS


def test_what_is_there_stays_untouched(tmp_path: Path) -> None:
    write(tmp_path)
    found = [path.stat().st_ino for path in sorted(tmp_path.iterdir())]
    assert write(tmp_path) == []
    assert [path.stat().st_ino for path in sorted(tmp_path.iterdir())] == found


def test_one_that_differs_is_replaced_alone_and_shown(tmp_path: Path) -> None:
    write(tmp_path)
    (difference,) = write_texts(tmp_path, {**TEXTS, "b.txt": "two\n"}, mode=0o640, folder_mode=0o750)
    path = str(tmp_path / "b.txt")
    assert difference == {"before": "zwö\n", "after": "two\n", "before_header": path, "after_header": path}
    assert (tmp_path / "b.txt").read_text() == "two\n"


def test_a_file_that_others_may_read_is_closed(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "a.txt").chmod(0o644)
    assert write(tmp_path) == ["a.txt"]
    assert modes(tmp_path / "a.txt") == [0o640]


def test_looking_writes_nothing(tmp_path: Path) -> None:
    assert write(tmp_path / "x", writes=False) == ["a.txt", "b.txt"]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a file")
    with pytest.raises(LifeboatError, match=f"Cannot write the report to {tmp_path}/x/y") as caught:
        write(tmp_path / "x" / "y")
    assert caught.value.error_code == "report_unwritable"
