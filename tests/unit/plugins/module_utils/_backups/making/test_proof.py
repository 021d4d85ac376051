from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.proof import prove, refuse_if_overtaken
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import ManifestTable, read_manifest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.backup_sets import manifest_of, write_repository_set

NAME = "20261121_031522-site1_local"
TABLES = (ManifestTable("__Auth", "InnoDB", rows=0), ManifestTable("tabDefaultValue", "InnoDB", rows=2))


def proven(site_folder, **changes):
    # With both kinds the tables of the live server are not asked for.
    folder = write_repository_set(site_folder, NAME, **{"tables": TABLES, **changes})
    return prove(read_manifest(folder), folder, None, None, ProgressReporter())


def with_both_kinds(tmp_path, **changes):
    logical = write_repository_set(tmp_path / "logical/site1.local", NAME)
    files = {file.path: (file.kind, (logical / file.path).read_bytes()) for file in read_manifest(logical).files}
    return proven(tmp_path / "site1.local", files=files, kinds=("logical", "physical"), **changes)


@pytest.fixture(autouse=True)
def without_files_of_tables(monkeypatch):
    name = "ansible_collections.lifeboat.frappe.plugins.module_utils._backups.verification.check_tablespaces"
    monkeypatch.setattr(name, lambda *_arguments: None)


def test_a_dump_with_the_rows_of_the_tables_is_proven(tmp_path):
    result = with_both_kinds(tmp_path)
    assert (result.depth, result.manifest.tables) == ("content", TABLES)


def test_a_dump_with_other_rows_or_without_a_table_is_not(tmp_path):
    other = (ManifestTable("__Auth", "InnoDB", rows=5), ManifestTable("tabGone", "InnoDB"))
    with pytest.raises(LifeboatError) as failure:
        with_both_kinds(tmp_path, tables=other)
    assert failure.value.error_code == "backup_unproven"
    assert failure.value.details["reasons"] == [
        "1 tables of the database are not in the dump, among them tabGone.",
        "The dump has other rows than the files of 1 tables, among them __Auth.",
    ]


def test_without_a_key_only_digests_are_compared(tmp_path):
    folder = write_repository_set(tmp_path / "site1.local", NAME, encryption="age")
    manifest = read_manifest(folder)
    assert prove(manifest, folder, None, None, ProgressReporter()).depth == "structure"
    (folder / manifest.files[0].path).write_bytes(b"x")
    with pytest.raises(LifeboatError) as failure:
        prove(manifest, folder, None, None, ProgressReporter())
    assert failure.value.error_code == "backup_unproven"


def test_a_site_that_moved_meanwhile_is_refused(tmp_path):
    site = Bench(tmp_path).site("a.b")
    site.path.mkdir(parents=True)
    site.config_path.write_text('{"db_name": "_1"}')
    refuse_if_overtaken(site, manifest_of(database="_1"))
    with pytest.raises(LifeboatError) as failure:
        refuse_if_overtaken(site, manifest_of(database="_2"))
    assert failure.value.error_code == "backup_overtaken"
