from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.cursor import Cursor, keep_cursor, read_cursor
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.log_files import (
    LogPart,
    Position,
    read_new_part,
)


def read(path: Path, before: Position | None = None, most_bytes: int = 1000) -> LogPart:
    part = read_new_part(path, before, most_bytes)
    assert part is not None
    return part


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "web.log"
    path.write_text("one\ntwo\n")
    return path


def test_first_look_reads_the_end_in_whole_lines(log: Path) -> None:
    assert read(log).text == "one\ntwo\n"
    part = read(log, most_bytes=6)
    assert (part.text, part.skipped_bytes) == ("two\n", 0)


def test_next_look_reads_what_is_new(log: Path) -> None:
    position = read(log).position
    assert read(log, position).text == ""
    with log.open("a") as stream:
        stream.write("three\nfo")
    part = read(log, position)
    assert part.text == "three\n"
    with log.open("a") as stream:
        stream.write("ur\n")
    assert read(log, part.position).text == "four\n"


def test_line_that_is_not_finished_is_read_later(log: Path) -> None:
    position = read(log).position
    with log.open("a") as stream:
        stream.write("thr")
    part = read(log, position)
    assert (part.text, part.position) == ("", position)


def test_what_was_rotated_away_is_read_as_well(log: Path) -> None:
    position = read(log).position
    with log.open("a") as stream:
        stream.write("three\n")
    log.rename(log.with_name("web.log.1"))
    log.write_text("four\n")
    assert read(log, position).text == "three\nfour\n"


def test_truncated_and_replaced_logs_are_read_from_their_start(log: Path) -> None:
    position = read(log).position
    log.write_text("x\n")
    assert read(log, position).text == "x\n"
    log.with_name("web.log.1").write_text("another file\n")
    assert read(log, Position(position.inode + 10**6, 0)).text == "x\n"


def test_more_than_is_read_at_once_is_told(log: Path) -> None:
    position = read(log).position
    with log.open("a") as stream:
        stream.write("x" * 50 + "\nlast\n")
    part = read(log, position, most_bytes=10)
    assert (part.text, part.skipped_bytes) == ("last\n", 46)


def test_links_and_folders_are_not_read(log: Path) -> None:
    link = log.with_name("link.log")
    link.symlink_to(log)
    with pytest.raises(OSError, match="symbolic links"):
        read_new_part(link, None, 10)
    folder = log.with_name("folder.log")
    folder.mkdir()
    assert read_new_part(folder, None, 10) is None
    os.mkfifo(log.with_name("pipe.log"))
    assert read_new_part(log.with_name("pipe.log"), None, 10) is None
    assert read_new_part(log.with_name("none.log"), None, 10) is None


def test_cursor_is_kept_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    assert read_cursor(tmp_path) == Cursor()
    cursor = Cursor(12.5, {"/a.log": Position(1, 2)}, "s=1")
    keep_cursor(tmp_path / "state", cursor)
    assert read_cursor(tmp_path / "state") == cursor
    file = tmp_path / "state" / "error_log_cursor.json"
    file.write_text('{"at_seconds": 1, "positions": {"/a.log": ["x"]}, "journal": ""}')
    assert read_cursor(tmp_path / "state") == Cursor(1.0)
    file.write_text("[")
    assert read_cursor(tmp_path / "state") == Cursor()
