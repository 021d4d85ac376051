"""Which files this very process has open."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.open_files import open_files, still_open


def test_open_file_is_seen_also_after_it_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with path.open("w") as stream:
        stream.write("x" * 100)
        stream.flush()
        status = path.stat()
        key = (status.st_dev, status.st_ino)
        assert key in open_files()
        path.unlink()
        (found,) = still_open({key})
        assert (found.pid, found.size_bytes) == (os.getpid(), 100)
        assert found.program
        assert found.owner == pwd.getpwuid(os.getuid()).pw_name
    # Another process may have got the number of the inode meanwhile, and deleted its file as well.
    assert os.getpid() not in [file.pid for file in still_open({key})]


def test_account_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unknown(user_id: int) -> None:
        raise KeyError(user_id)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with (tmp_path / "a").open("w") as stream:
        status = os.fstat(stream.fileno())
        (tmp_path / "a").unlink()
        (found,) = still_open({(status.st_dev, status.st_ino)})
        assert found.owner == str(os.getuid())


def test_processes_that_end_or_are_not_ours_are_passed_over(tmp_path: Path) -> None:
    for name in ("1", "2", "self"):
        (tmp_path / name).mkdir()
    (tmp_path / "2" / "comm").write_text("sh\n")
    (tmp_path / "2" / "fd").mkdir()
    (tmp_path / "2" / "fd" / "3").symlink_to(tmp_path / "gone")
    assert open_files(tmp_path) == frozenset()
