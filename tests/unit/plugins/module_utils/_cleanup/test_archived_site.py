"""What is known of a dropped site without its database."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import archived_site
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.archived_site import (
    archived_folders,
    look_at,
    proof_of,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Protection

from tests.backup_sets import SITE, write_repository_set

DATABASE = "_e36ee74f4521c089"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bench" / "archived" / "sites" / SITE
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"x" * 5000)
    os.utime(folder / "file", (1_700_000_000, 1_700_000_000))
    return folder


def test_archive_is_listed_without_links(folder: Path, tmp_path: Path) -> None:
    (folder.parent / "link").symlink_to(folder)
    (folder.parent / "file").touch()
    assert archived_folders(Bench(tmp_path / "bench")) == [folder]
    assert archived_folders(Bench(tmp_path / "other")) == []


def test_move_into_the_archive_counts_as_a_change(folder: Path) -> None:
    site = look_at(folder, Protection())
    assert site.size_bytes >= 5000
    assert (site.data_at, site.why_kept) == (1_700_000_000, "")
    assert site.changed_at == max(folder.stat().st_mtime, folder.stat().st_ctime)
    assert site.age_days(site.changed_at + 86400) == 1
    assert look_at(folder, Protection((f"{folder}/f*",))).why_kept == "protected"


def test_set_that_cannot_be_read_proves_nothing(folder: Path, tmp_path: Path) -> None:
    made = write_repository_set(tmp_path / "repository" / "sites" / SITE)
    site = look_at(folder, Protection())
    assert proof_of(site, DATABASE, Repository(tmp_path / "repository")) is not None
    (dump,) = made.glob("*database*")
    dump.unlink()
    dump.mkdir()
    assert proof_of(site, DATABASE, Repository(tmp_path / "repository")) is None


def test_other_file_system_in_it_keeps_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = os.lstat("/proc/self/status")
    monkeypatch.setattr(archived_site, "_tree", lambda _folder: iter([(str(folder / "file"), there)]))
    assert look_at(folder, Protection()).why_kept == "another file system"


@pytest.mark.parametrize(("name", "is_proven"), [(SITE, True), (f"{SITE}2", True), (f"{SITE}.old", False)])
def test_second_of_a_name_is_proven_by_the_sets_of_the_site(
    folder: Path, tmp_path: Path, name: str, is_proven: bool
) -> None:
    site = look_at(folder.rename(folder.with_name(name)), Protection())
    write_repository_set(tmp_path / "repository" / "sites" / SITE)
    proof = proof_of(site, DATABASE, Repository(tmp_path / "repository"))
    assert (proof is not None) is is_proven
    assert proof_of(site, "_other", Repository(tmp_path / "repository")) is None
