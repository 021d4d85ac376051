from __future__ import annotations

import io
import os
import socket
import tarfile

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.archives import (
    ArchiveLimits,
    ArchiveReader,
    list_archive,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making import files_archive
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.files_archive import (
    files_size_bytes,
    write_files_archive,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

LONG = "long" * 60


@pytest.fixture
def site(tmp_path):
    site = Bench(tmp_path / "bench").site("a.b")
    (site.public_files / "folder/empty").mkdir(parents=True)
    (site.public_files / "one.txt").write_bytes(b"one")
    (site.public_files / f"folder/{LONG}.txt").write_bytes(b"long name")
    (site.public_files / "folder/dünn.txt").write_bytes("ü".encode())
    return site


def archived(site, kind="files", **options):
    stream = io.BytesIO()
    result = write_files_archive(site, kind, stream.write, **options)
    return stream.getvalue(), result


def members(content):
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {member.name: member for member in archive.getmembers()}


def test_a_tree_is_archived_as_bench_does(site):
    told = []
    content, result = archived(site, on_file=lambda count, size: told.append((count, size)))
    assert list(members(content)) == [
        "./a.b/public/files",
        "./a.b/public/files/folder",
        "./a.b/public/files/folder/dünn.txt",
        "./a.b/public/files/folder/empty",
        f"./a.b/public/files/folder/{LONG}.txt",
        "./a.b/public/files/one.txt",
    ]
    assert (result.file_count, result.size_bytes, result.left_out, result.changed) == (3, 14, [], [])
    assert told[-1] == (3, 14)
    listing = list_archive(ArchiveReader(io.BytesIO(content), "files.tar", "files", ArchiveLimits(100, 10**6)))
    assert (listing.site, listing.file_count, listing.size_bytes) == ("a.b", 3, 14)
    assert files_size_bytes(site, "files") == 14


def test_a_site_without_files_has_an_empty_archive(site):
    content, result = archived(site, "private_files")
    assert (members(content), result.file_count, files_size_bytes(site, "private_files")) == ({}, 0, 0)


def test_links_pipes_and_sockets_are_left_out_and_never_followed(site, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (site.public_files / "link").symlink_to(outside / "secret")
    (site.public_files / "folder/tree").symlink_to(outside)
    os.mkfifo(site.public_files / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(site.public_files)
        listener.bind("socket")
    content, result = archived(site)
    root = "./a.b/public/files"
    assert result.left_out == [f"{root}/folder/tree", f"{root}/link", f"{root}/pipe", f"{root}/socket"]
    assert b"secret" not in content
    assert result.file_count == 3


def test_a_tree_that_is_a_link_is_refused(site, tmp_path):
    site.private_files.parent.mkdir()
    site.private_files.symlink_to(tmp_path)
    with pytest.raises(LifeboatError) as failure:
        archived(site, "private_files")
    assert failure.value.error_code == "path_unsafe"


def test_a_file_that_is_cut_while_it_is_read_is_filled_up_and_named(site, monkeypatch):
    path = site.public_files / "one.txt"

    class CutFirst(files_archive._ExactlyLong):
        def read(self, size):
            if os.fstat(self._stream.fileno()).st_ino == path.stat().st_ino:
                os.truncate(path, 1)
            return super().read(size)

    monkeypatch.setattr(files_archive, "_ExactlyLong", CutFirst)
    content, result = archived(site)
    assert result.changed == ["./a.b/public/files/one.txt"]
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.extractfile("./a.b/public/files/one.txt").read() == b"o\0\0"


def test_what_goes_away_meanwhile_is_left_out(site, monkeypatch):
    names = os.listdir

    def with_ghosts(folder):
        return [*names(folder), "ghost"]

    monkeypatch.setattr(os, "listdir", with_ghosts)
    assert archived(site)[1].file_count == 3
    monkeypatch.undo()

    def remove_first(entry):
        if entry.name == "one.txt":
            os.unlink(entry.name, dir_fd=entry.folder)

    add_file = files_archive._add_file

    def remove_and_add(archive, entry, result):
        remove_first(entry)
        add_file(archive, entry, result)

    monkeypatch.setattr(files_archive, "_add_file", remove_and_add)
    assert archived(site)[1].file_count == 2
