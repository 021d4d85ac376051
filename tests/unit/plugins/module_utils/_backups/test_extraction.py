from __future__ import annotations

import errno
import io
import os
import stat

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.archives import ArchiveLimits, ArchiveReader
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.extraction import extract_archive
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.beneath import folder_beneath
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import SITE, archive, archive_of, member

ROOT = f"./{SITE}/public/files"
OWNER = (os.getuid(), os.getgid())


def extract(content, folder, on_progress=lambda *_facts: None, owner=OWNER):
    reader = ArchiveReader(io.BytesIO(content), "x.tar", "files", ArchiveLimits(1000, 1 << 30))
    with folder_beneath(folder, ()) as destination:
        return extract_archive(reader, destination, owner, on_progress)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_content_times_and_folders_are_as_they_were(tmp_path):
    files = {"a.txt": b"x" * 3_000_000, "folder/inner/b ä.txt": b"y", "folder/c": b"", "folder/inner/d": b"z"}
    found = extract(archive(files, compressed=True), tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in files} == files
    assert (found.file_count, found.size_bytes) == (4, 3_000_002)
    assert (tmp_path / "a.txt").stat().st_mtime == 1795252400


def test_names_that_are_no_text_survive(tmp_path):
    extract(archive_of([member(os.fsdecode(b"./s/public/files/\xff\xfe"), b"x")]), tmp_path)
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [b"\xff\xfe"]


def test_modes_are_no_wider_than_reading(tmp_path):
    members = [
        member(ROOT, None, mode=0o777),
        member(f"{ROOT}/setuid", b"x", mode=0o6777),
        member(f"{ROOT}/private", b"x", mode=0o600),
        member(f"{ROOT}/none", b"x", mode=0),
        member(f"{ROOT}/folder", None, mode=0o2770),
        member(f"{ROOT}/unnamed/file", b"x"),
    ]
    extract(archive_of(members), tmp_path)
    assert {path.name: oct(mode_of(path)) for path in tmp_path.iterdir()} == {
        "setuid": "0o644",
        "private": "0o600",
        "none": "0o600",
        "folder": "0o750",
        "unnamed": "0o755",
    }
    assert mode_of(tmp_path) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_everything_belongs_to_the_site(tmp_path):
    extract(archive({"a/b": b"x"}), tmp_path, owner=(12345, 54321))
    for path in (tmp_path / "a", tmp_path / "a/b"):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


def test_progress_is_told(tmp_path):
    told = []
    extract(archive({"a": b"x" * 2_000_000, "b": b"y"}), tmp_path, lambda *facts: told.append(facts))
    assert told[0] == (0, 0, "a")
    assert told[-1] == (2_000_001, 1, "b")


@pytest.mark.promise(19)
def test_a_link_that_was_put_there_meanwhile_is_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "folder").symlink_to(outside)
    with pytest.raises(LifeboatError) as failure:
        extract(archive({"folder/x": b"x"}), inside)
    assert failure.value.error_code == "path_unsafe"
    (inside / "folder").unlink()
    (inside / "file").symlink_to(outside / "target")
    with pytest.raises(LifeboatError) as failure:
        extract(archive({"file": b"x"}), inside)
    assert failure.value.error_code == "archive_refused"
    assert list(outside.iterdir()) == []


def test_a_file_below_a_file_is_refused(tmp_path):
    with pytest.raises(LifeboatError) as failure:
        extract(archive_of([member(f"{ROOT}/a", b"x"), member(f"{ROOT}/a/b", b"x")]), tmp_path)
    assert failure.value.error_code == "path_unsafe"


@pytest.mark.parametrize(("number", "expected"), [(errno.ENOSPC, LifeboatError), (errno.EIO, OSError)])
def test_a_full_disk_is_said(tmp_path, number, expected):
    def fail(*_facts):
        raise OSError(number, "x")

    with pytest.raises(expected) as failure:
        extract(archive({"a": b"x"}), tmp_path, fail)
    assert getattr(failure.value, "error_code", "disk_space") == "disk_space"
