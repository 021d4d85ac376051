"""Files against documents, in both directions."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.find import FoundFile
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.orphans import (
    Document,
    LocalFile,
    compare,
    keys_of,
    local_files,
    may_go,
    md5_of,
    url_of,
)


def local(path: str, size_bytes: int = 10) -> LocalFile:
    return LocalFile(path, FoundFile(path.rpartition("/")[2], 0, 1, 2, size_bytes, 512, 0))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/files/a b.png", "public/files/a b.png"),
        ("/files/a%20b.png", "public/files/a b.png"),
        ("/files/100%.png", "public/files/100%.png"),
        ("/files/a.png?fid=1", "public/files/a.png"),
        ("/private/files/x/y.pdf", "private/files/x/y.pdf"),
        (unicodedata.normalize("NFD", "/files/ü.png"), "public/files/ü.png"),
    ],
    ids=["as it is", "encoded", "percent", "query", "folder", "other form"],
)
def test_file_is_known_by_its_url(url: str, path: str) -> None:
    found = compare([Document(url)], [local(path), local("public/files/other.png")])
    assert [file.path for file in found.orphans] == ["public/files/other.png"]
    assert (found.files, found.missing, found.size_bytes) == (2, (), 512)


def test_question_mark_may_be_of_the_name() -> None:
    assert "/files/a?.png" in keys_of("/files/a?.png")


def test_document_without_a_file_may_have_a_twin_with_the_content() -> None:
    documents = [Document("/files/a.png", content_hash="h"), Document("/files/b.png", content_hash="h")]
    documents += [Document("/files/c.png", content_hash="i"), Document("/files/d.png")]
    found = compare(documents, [local("public/files/a.png")])
    assert [document.url for document in found.missing] == ["/files/b.png", "/files/c.png", "/files/d.png"]
    assert found.elsewhere == 1


@pytest.mark.parametrize(("size", "goes"), [(10, False), (11, True)])
def test_orphan_with_the_content_of_a_missing_file_stays(size: int, goes: bool) -> None:
    document = Document("/files/a.png", size_bytes=10, content_hash="h")
    found = compare([document], [local("public/files/b.png", size)])
    assert bool(may_go(found, lambda _file: "h")) is goes
    assert may_go(found, lambda _file: "i") == list(found.orphans)
    unknown = compare([Document("/files/a.png", content_hash="h")], [local("public/files/b.png", size)])
    assert may_go(unknown, lambda _file: "h") == []


@pytest.mark.parametrize("path", ["site_config.json", "public/files/../x", "public/filesystem/a"])
def test_what_has_no_url_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no file of a site"):
        url_of(path)


def test_files_of_a_site_are_found_and_read(tmp_path: Path) -> None:
    site = Bench(tmp_path).site("a.example")
    path = site.path / "public" / "files" / "inner" / "a.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"content")
    assert [file.path for file in local_files(site)] == ["public/files/inner/a.png"]
    assert md5_of(path) == hashlib.md5(b"content", usedforsecurity=False).hexdigest()
    assert md5_of(path.with_name("gone")) == ""
