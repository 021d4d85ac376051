from __future__ import annotations

import hashlib
from contextlib import ExitStack

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.files_proof import (
    FilesProof,
    KnownFile,
    Trees,
    compare_files,
    count_files,
    group_rows,
    refuse_damaged,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.beneath import folder_beneath
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def known(url, content=None, size=None, digest=None):
    digest = md5(content) if content is not None else digest
    return next(group_rows([(url, len(content) if content is not None else size, digest)]))


@pytest.fixture
def compare(tmp_path):
    with ExitStack() as stack:

        def run(files, staged, live=None, kinds=("files", "private_files")):
            trees = []
            for place, contents in (("staged", staged), ("live", live or {})):
                for kind in kinds:
                    (tmp_path / place / kind).mkdir(parents=True, exist_ok=True)
                for name, content in contents.items():
                    path = tmp_path / place / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                folders = {kind: stack.enter_context(folder_beneath(tmp_path / place / kind, ())) for kind in kinds}
                trees.append(Trees(folders if place == "staged" or live is not None else {}))
            progress = ProgressReporter()
            progress.start("prove")
            return compare_files(files, *trees, progress)

        yield run


def test_files_that_fit_are_matched(compare):
    files = [
        known("/files/a.txt", b"one"),
        known("/private/files/folder/ä b.txt", b"two"),
        known("/files/size-only", size=5, digest=None),
        known("/files/other-hash", size=5, digest="0" * 64),
    ]
    staged = {
        "files/a.txt": b"one",
        "private_files/folder/ä b.txt": b"two",
        "files/size-only": b"12345",
        "files/other-hash": b"12345",
    }
    proof = compare(files, staged)
    assert (proof.listed, proof.matched, proof.damaged, proof.missing) == (4, 4, 0, 0)


def test_rows_of_one_file_are_put_together_and_any_of_them_fits(compare):
    rows = [("/files/a", 3, md5(b"old")), ("/files/a", 3, md5(b"new")), ("/files/b", None, None)]
    grouped = list(group_rows(rows))
    assert [file.url for file in grouped] == ["/files/a", "/files/b"]
    proof = compare(grouped, {"files/a": b"old", "files/b": b""})
    assert (proof.matched, proof.unchecked) == (1, 1)


def test_a_quoted_url_names_the_same_file(compare):
    proof = compare([known("/files/a%20b", b"x"), known("/files/100%", b"y")], {"files/a b": b"x", "files/100%": b"y"})
    assert proof.matched == 2


@pytest.mark.promise(3)
def test_a_changed_file_is_damaged(compare):
    files = [known("/files/hash", b"right"), known("/files/size", size=5)]
    proof = compare(files, {"files/hash": b"wrong", "files/size": b"123456"}, {"files/hash": b"right"})
    assert (proof.damaged, proof.damaged_names) == (2, ["/files/hash", "/files/size"])
    with pytest.raises(LifeboatError) as failure:
        refuse_damaged(proof, accepted=False)
    assert failure.value.error_code == "files_damaged"
    assert "accept_damaged_files=true" in failure.value.message
    refuse_damaged(proof, accepted=True)
    assert "2 files that the database lists are damaged" in proof.as_dict({})["not_recovered"][0]


def test_a_file_that_is_so_on_the_live_site_was_not_damaged_in_the_archive(compare):
    proof = compare([known("/files/a", b"as the row says")], {"files/a": b"edited"}, {"files/a": b"edited"})
    assert (proof.outdated, proof.damaged) == (1, 0)
    refuse_damaged(proof, accepted=False)


def test_without_a_live_file_it_was(compare):
    assert compare([known("/files/a", b"x")], {"files/a": b"y"}).damaged == 1
    assert compare([known("/files/b", b"x")], {"files/b": b"y"}, {"files/other": b""}).damaged == 1


@pytest.mark.parametrize(
    "url", ["/files/gone", "/files/gone/deep", "/files/../files/a", "/files/%2e%2e/a", "/files/a/", "/files/a\0"]
)
def test_what_is_not_in_the_archives_is_missing(compare, url):
    proof = compare([known(url, b"x")], {"files/a": b"x"})
    assert (proof.missing, proof.missing_names) == (1, [url])
    assert "1 files that the database lists are not in the set's archives" in proof.as_dict({})["not_recovered"][0]


def test_a_link_is_no_file(compare, tmp_path):
    (tmp_path / "staged/files").mkdir(parents=True)
    (tmp_path / "staged/files/a").symlink_to("/etc/hostname")
    assert compare([known("/files/a", b"x")], {}).missing == 1


def test_names_are_shown_up_to_a_limit(compare):
    files = [known(f"/files/missing{number}", b"x") for number in range(25)]
    files += [known(f"/files/damaged{number}", b"x") for number in range(15)]
    proof = compare(files, {f"files/damaged{number}": b"y" for number in range(15)})
    assert (proof.missing, len(proof.missing_names)) == (25, 20)
    assert (proof.damaged, len(proof.damaged_names)) == (15, 10)
    assert all(text.endswith("and others.") for text in proof.as_dict({})["not_recovered"])


def test_kinds_that_the_set_does_not_have_are_left_out(compare):
    proof = compare([known("/private/files/a", b"x"), known("/files/a", b"x")], {"files/a": b"x"}, kinds=("files",))
    assert (proof.listed, proof.matched) == (1, 1)


def test_live_trees_may_lack_a_kind():
    assert KnownFile("/private/files/a", frozenset(), frozenset()).kind == "private_files"
    assert "files" not in Trees({})


def test_a_proof_is_json_values():
    shown = FilesProof(listed=1, matched=1).as_dict({"files": {"files": 1, "bytes": 2}})
    assert shown["archives"] == {"files": {"files": 1, "bytes": 2}}
    assert (shown["listed"], shown["not_recovered"]) == (1, [])


def test_files_are_counted_with_their_bytes(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c").write_bytes(b"123")
    (tmp_path / "d").write_bytes(b"4")
    with folder_beneath(tmp_path, ()) as descriptor:
        assert count_files(descriptor) == {"files": 2, "bytes": 4}
