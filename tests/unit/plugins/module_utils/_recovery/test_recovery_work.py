"""How much work a recovery is, by its set and the server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import catalogue
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import ManifestFile, ManifestTable
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.sets import BackupSet
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import ServerFacts
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.work import recovery_work, tablespace_bytes
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import SITE, write_repository_set

FACTS = ServerFacts("10.11.19-MariaDB", "/var/lib/mysql", "h", 3306, True, 1 << 24, 16384, 2)
FILES_BYTES = 500 + 13


def backup(folder: Path, *kinds: str) -> BackupSet:
    """Return a set of some kinds, as it is once it was verified."""
    write_repository_set(folder / SITE, kinds=kinds)
    (found,) = catalogue([folder / SITE])
    files = {"files": {"files": 2, "bytes": 70}, "private_files": {"files": 1, "bytes": 7}}
    return replace(found, sql_bytes=1000, table_count=0, files=files)


@pytest.mark.parametrize(
    ("kinds", "facts", "can_place_files", "expected"),
    [
        (("logical",), FACTS, True, ("logical", 1000, 3500)),
        (("logical", "physical"), FACTS, True, ("physical", FILES_BYTES, FILES_BYTES)),
        (("logical", "physical"), FACTS, False, ("logical", 1000, 3500)),
        (("logical", "physical"), replace(FACTS, page_size_bytes=4096), True, ("logical", 1000, 3500)),
        (("physical",), FACTS, False, ("physical", FILES_BYTES, FILES_BYTES)),
    ],
    ids=["a dump", "both", "another host", "another page size", "nothing but files"],
)
def test_a_set_is_loaded_in_the_way_that_fits(
    tmp_path: Path, kinds: tuple[str, ...], facts: ServerFacts, can_place_files: bool, expected: tuple[str, int, int]
) -> None:
    """The kind, what is loaded, and what it needs."""
    work = recovery_work(backup(tmp_path, *kinds), facts, can_place_files, 5)
    assert (work.kind, work.loaded_bytes, work.needed_bytes) == expected
    assert (work.files_bytes, work.replayed_bytes) == (77, 5)
    assert ("cannot be imported" in work.reason) is (len(kinds) > len({work.kind}) and work.kind == "logical")


def test_a_set_that_the_server_cannot_load_is_refused_by_the_plan(tmp_path: Path) -> None:
    """A replay could still make something of it, in a server of its own."""
    with pytest.raises(LifeboatError) as raised:
        recovery_work(backup(tmp_path, "physical"), FACTS, False, None)
    assert raised.value.error_code == "physical_unsupported"


def test_tables_in_an_archive_are_known_by_their_pages(tmp_path: Path) -> None:
    """Its own size may be that of compressed data."""
    manifest = backup(tmp_path, "physical").manifest
    assert manifest is not None
    archived = replace(
        manifest,
        files=(ManifestFile("t.tar.zst", "tablespaces", 10, "0"),),
        tables=(ManifestTable("a", "InnoDB", pages=3), ManifestTable("b", "MyISAM")),
    )
    assert tablespace_bytes(archived) == 3 * 16384
