"""Reading copies of sets back: what is a fault of the copy, and what one of the way to it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.copy_check import copy_problem
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import MANIFEST_NAME
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_run import copies_of, copy_sets
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import SITE, write_repository_set
from tests.restic_double import FolderRepository, failure

NAME = "20261117_000000-site1_local"


@pytest.fixture
def repository(tmp_path):
    """It holds one copy."""
    repository = FolderRepository(tmp_path / "offsite")
    files = {"database.sql.gz": ("database", b"dump"), "tablespaces/a.ibd": ("tablespace", b"pages")}
    write_repository_set(tmp_path / SITE, NAME, files=files)
    now = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
    copy_sets(repository, SITE, tmp_path / SITE, now, create=False, check_all=False, dry_run=False)
    return repository


def problem(repository):
    (copy,) = copies_of(repository, SITE)
    return copy_problem(repository, copy)


def content(repository, name):
    (copy,) = copies_of(repository, SITE)
    return repository.copy(copy.snapshot) / NAME / name


def test_a_whole_copy_has_no_problem(repository):
    assert problem(repository) == ""


def test_files_that_are_changed_or_missing_are_named(repository):
    content(repository, "tablespaces/a.ibd").write_bytes(b"sages")
    content(repository, "database.sql.gz").unlink()
    assert problem(repository).endswith("is not what its manifest says: database.sql.gz, tablespaces/a.ibd.")


@pytest.mark.parametrize("cut_bytes", [15_000, 20_400])
def test_an_archive_that_ends_early_is_a_problem(repository, cut_bytes):
    repository.cut_bytes = cut_bytes
    assert problem(repository)


def test_another_manifest_is_a_problem(repository):
    path = content(repository, MANIFEST_NAME)
    path.write_text(path.read_text().replace("0-1-5", "0-1-6"))
    assert "is not the one that was copied" in problem(repository)


def test_what_restic_calls_damaged_is_a_problem_and_a_way_that_fails_is_none(repository):
    repository.fails["archive"] = failure("offsite_damaged")
    assert problem(repository) == "restic could not do it."
    repository.fails["archive"] = failure("offsite_failed")
    with pytest.raises(LifeboatError) as failed:
        problem(repository)
    assert failed.value.error_code == "offsite_failed"
