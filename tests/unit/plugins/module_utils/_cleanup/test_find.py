"""Finding files, however they are called and wherever links lead."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import find
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.find import (
    FoundFile,
    find_files,
    line_of,
    path_of,
    read_line,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def found(folder: Path, *names: str, depth: int | None = None) -> dict[str, FoundFile]:
    lines = [line for lines in find_files(folder, names, depth) for line in lines]
    return {file.path: file for file in filter(None, (read_line(folder, line) for line in lines))}


def test_files_are_found_with_what_identifies_them(tmp_path: Path) -> None:
    strange = os.fsdecode(b"inner/new\nline and \xff byte.log")
    for name in ("a.log", "-delete", strange):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 5000)
    files = found(tmp_path)
    assert set(files) == {"a.log", "-delete", strange}
    for name, file in files.items():
        status = (tmp_path / name).stat()
        assert (file.device, file.inode, file.size_bytes) == (status.st_dev, status.st_ino, status.st_size)
        assert (file.modified_ns, file.freed_bytes) == (status.st_mtime_ns, status.st_blocks * 512)
        assert file.status_changed_ns == status.st_ctime_ns


def test_names_and_depth_limit_what_is_found(tmp_path: Path) -> None:
    for name in ("a.log", "b.txt", "inner/c.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert set(found(tmp_path, "*.log", "*.gz")) == {"a.log", "inner/c.log"}
    assert set(found(tmp_path, "*.log", depth=1)) == {"a.log"}


def test_links_and_quarantine_are_not_entered(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.log").touch()
    folder = tmp_path / "folder"
    (folder / ".lifeboat-quarantine" / "run").mkdir(parents=True)
    (folder / ".lifeboat-quarantine" / "run" / "0").touch()
    (folder / "link").symlink_to(outside)
    (folder / "link.log").symlink_to(outside / "kept.log")
    assert found(folder) == {}


def test_file_with_another_name_frees_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 5000)
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert [file.freed_bytes for file in found(tmp_path).values()] == [0, 0]


def test_file_that_is_gone_or_another_thing_by_now_is_none(tmp_path: Path) -> None:
    for name in ("gone", "link"):
        (tmp_path / name).touch()
    lines = [line for lines in find_files(tmp_path) for line in lines]
    (tmp_path / "gone").unlink()
    (tmp_path / "link").rename(tmp_path / "moved")
    (tmp_path / "link").symlink_to(tmp_path / "moved")
    assert [read_line(tmp_path, line) for line in lines] == [None, None]


def test_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert found(tmp_path / "none") == {}


def test_lines_sort_by_age_whatever_the_number_of_digits(tmp_path: Path) -> None:
    moments = [0.5, 315532800, 999999999.75, 1763745600.123456789, time.time(), 13569465600]
    for number, moment in enumerate(moments):
        path = tmp_path / str(number)
        path.touch()
        os.utime(path, (moment, moment))
    lines = sorted(line for lines in find_files(tmp_path) for line in lines)
    assert [path_of(line) for line in lines] == [str(number) for number in range(len(moments))]
    assert all(line_of(moment - 0.25) < line < line_of(moment + 0.25) for line, moment in zip(lines, moments))


def test_more_than_one_block_of_lines_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "READ_BYTES", 7)
    for number in range(20):
        (tmp_path / f"file{number}").touch()
    assert len(found(tmp_path)) == 20


def test_search_can_be_given_up(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    search = find_files(tmp_path)
    assert next(search) == []
    search.close()


def test_search_goes_on_while_nobody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1000):
        (tmp_path / f"{number:0200}").touch()
    running, started = [], find._started
    monkeypatch.setattr(find, "_started", lambda *given: running.append(started(*given)) or running[-1])
    search = find_files(tmp_path)
    next(search)
    assert running[0].wait(120) == 0
    assert sum(map(len, search)) == 1000


def test_find_that_fails_is_never_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "find"
    broken.write_text("#!/bin/sh\necho 'find: /x: Permission denied' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(find, "FIND", str(broken))
    with pytest.raises(LifeboatError, match="Permission denied") as refused:
        found(tmp_path)
    assert refused.value.error_code == "command_failed"
    monkeypatch.setattr(find, "FIND", str(tmp_path / "none"))
    with pytest.raises(LifeboatError, match="findutils"):
        found(tmp_path)
