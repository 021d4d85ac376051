from __future__ import annotations

import ctypes
import os
import stat

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.beneath import (
    NewFolders,
    folder_beneath,
    give_to,
    remove_tree_beneath,
    sync_file_system,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

NEW = NewFolders(0o750, (os.getuid(), os.getgid()))


def test_missing_folders_are_made(tmp_path):
    with folder_beneath(tmp_path, ("a", "b"), NEW) as descriptor:
        assert os.path.samestat(os.fstat(descriptor), (tmp_path / "a/b").stat())
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o750


def test_or_not(tmp_path):
    with pytest.raises(FileNotFoundError), folder_beneath(tmp_path, ("a",)):
        pass


def test_a_descriptor_is_as_good_as_a_path(tmp_path):
    with folder_beneath(tmp_path, ("a",), NEW) as outer, folder_beneath(outer, (b"b",), NEW):
        pass
    assert (tmp_path / "a/b").is_dir()


@pytest.mark.parametrize("kind", ["link", "file"])
def test_neither_a_link_nor_a_file_is_a_folder(tmp_path, kind):
    if kind == "link":
        (tmp_path / "a").symlink_to("/tmp")
    else:
        (tmp_path / "a").write_text("")
    with pytest.raises(LifeboatError) as failure, folder_beneath(tmp_path, ("a", "b"), NEW):
        pass
    assert failure.value.error_code == "path_unsafe"


def test_other_errors_pass(tmp_path):
    with pytest.raises(OSError, match="too long"), folder_beneath(tmp_path, ("n" * 300,), NEW):
        pass


def test_a_tree_is_removed_once_and_links_in_it_are_not_followed(tmp_path):
    (tmp_path / "keep").mkdir()
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/link").symlink_to(tmp_path / "keep")
    assert remove_tree_beneath(tmp_path, ("a", "b")) is True
    assert remove_tree_beneath(tmp_path, ("a", "b")) is False
    assert (tmp_path / "keep").is_dir()
    assert not (tmp_path / "a/b").exists()


def test_a_tree_behind_a_link_is_not_removed(tmp_path):
    (tmp_path / "target/inner").mkdir(parents=True)
    (tmp_path / "a").symlink_to(tmp_path / "target")
    with pytest.raises(LifeboatError):
        remove_tree_beneath(tmp_path, ("a", "inner"))
    assert (tmp_path / "target/inner").is_dir()


def test_the_file_system_is_synced(tmp_path):
    with folder_beneath(tmp_path, ()) as descriptor:
        sync_file_system(descriptor)


def test_a_disk_that_does_not_take_it_is_an_error(tmp_path, monkeypatch):
    class FailingLibrary:
        @staticmethod
        def syncfs(_descriptor):
            ctypes.set_errno(5)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_arguments, **_options: FailingLibrary)
    with folder_beneath(tmp_path, ()) as descriptor, pytest.raises(OSError, match="Input/output error"):
        sync_file_system(descriptor)


def test_only_root_gives_things_away(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(os, "fchown", lambda _descriptor, *owner: given.append(owner))
    for user, expected in ((1000, []), (0, [(7, 8)])):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        with folder_beneath(tmp_path, ()) as descriptor:
            give_to(descriptor, (7, 8))
        assert given == expected
