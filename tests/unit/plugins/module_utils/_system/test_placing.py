from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.placing import (
    Ownership,
    check_size,
    copy_file,
    move_file,
)

CONTENT = os.urandom(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OWN = Ownership(os.getuid(), os.getgid(), 0o640)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def test_a_copy_is_another_file_with_the_same_bytes_and_the_mode_that_was_asked_for(source, tmp_path):
    target, pieces = tmp_path / "target", []
    copy_file(source, target, OWN, SHA256, pieces.append)
    assert target.read_bytes() == CONTENT
    assert target.stat().st_mode & 0o777 == 0o640
    assert sum(pieces) == len(CONTENT)
    with target.open("r+b") as stream:
        stream.write(b"the server writes to it")
    assert source.read_bytes() == CONTENT
    copy_file(source, tmp_path / "unproven", OWN)
    assert (tmp_path / "unproven").read_bytes() == CONTENT


def test_another_content_is_refused_and_not_there(source, tmp_path):
    for changed in (CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]), CONTENT + b"x", b""):
        source.write_bytes(changed)
        with pytest.raises(LifeboatError) as raised:
            copy_file(source, tmp_path / "target", OWN, SHA256)
        assert raised.value.error_code == "artifact_corrupt"
        assert not (tmp_path / "target").exists()


def test_a_copy_that_is_broken_off_is_not_there(source, tmp_path):
    def give_up(_size_bytes: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_file(source, tmp_path / "target", OWN, SHA256, give_up)
    assert not (tmp_path / "target").exists()


def test_no_link_is_followed_and_nothing_is_overwritten(source, tmp_path):
    link, there = tmp_path / "link", tmp_path / "there"
    link.symlink_to(source)
    there.write_bytes(b"of somebody else")
    with pytest.raises(LifeboatError) as raised:
        copy_file(link, tmp_path / "target", OWN)
    assert raised.value.error_code == "artifact_missing"
    with pytest.raises(FileExistsError):
        copy_file(source, there, OWN)
    with pytest.raises(FileExistsError):
        copy_file(source, link, OWN)
    assert there.read_bytes() == b"of somebody else"


def test_where_blocks_can_be_shared_what_arrived_is_hashed(source, tmp_path, monkeypatch):
    def share(descriptor: int, _request: int, origin: int) -> None:
        os.pwrite(descriptor, os.pread(origin, len(CONTENT), 0), 0)

    monkeypatch.setattr(fcntl, "ioctl", share)
    copy_file(source, tmp_path / "target", OWN, SHA256)
    assert (tmp_path / "target").read_bytes() == CONTENT
    with pytest.raises(LifeboatError):
        copy_file(source, tmp_path / "other", OWN, "0" * 64)


def test_a_file_is_moved_or_copied_where_it_goes_to_another_file_system(source, tmp_path, monkeypatch):
    inode = source.stat().st_ino
    move_file(source, tmp_path / "moved", OWN)
    assert (tmp_path / "moved").stat().st_ino == inode
    assert (tmp_path / "moved").stat().st_mode & 0o777 == 0o640

    def refuse(_path: Path, _target: Path) -> Path:
        raise OSError(refused, os.strerror(refused))

    monkeypatch.setattr(Path, "rename", refuse)
    refused = errno.EXDEV
    move_file(tmp_path / "moved", tmp_path / "copied", OWN)
    assert (tmp_path / "copied").read_bytes() == CONTENT
    assert not (tmp_path / "moved").exists()
    refused = errno.EACCES
    with pytest.raises(PermissionError):
        move_file(tmp_path / "copied", tmp_path / "away", OWN)


@pytest.mark.parametrize(
    ("size_bytes", "code"),
    [(len(CONTENT) + 1, "artifact_truncated"), (len(CONTENT) - 1, "artifact_corrupt")],
    ids=["cut", "longer"],
)
def test_a_file_of_another_size_is_refused_unread(source, size_bytes, code):
    check_size(source, len(CONTENT))
    with pytest.raises(LifeboatError) as raised:
        check_size(source, size_bytes)
    assert raised.value.error_code == code
