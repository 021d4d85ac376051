from __future__ import annotations

import hashlib
import json

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.artifact_file import new_artifact
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.encryption import Encryption
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.set_writer import (
    SetWriter,
    remove_leftovers,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import ManifestFile

from tests.backup_sets import manifest_of

NAME = "20261121_031522-a_b"


@pytest.fixture
def writer(tmp_path):
    writer = SetWriter(tmp_path, NAME, Encryption())
    writer.begin()
    return writer


def test_a_file_is_described_as_it_lies_there(writer):
    with writer.artifact("site_config", "site_config_backup", ".json") as artifact:
        artifact.write(b"{")
        artifact.write(b"}")
    (described,) = writer.files
    path = writer.folder / f"{NAME}-site_config_backup.json"
    assert described == ManifestFile(path.name, "site_config", 2, hashlib.sha256(b"{}").hexdigest())
    assert path.read_bytes() == b"{}"
    assert (path.stat().st_mode & 0o777, writer.folder.stat().st_mode & 0o777) == (0o600, 0o700)


def test_names_of_encrypted_files_say_so(tmp_path):
    writer = SetWriter(tmp_path, NAME, Encryption("gpg", passphrase="k"))
    writer.begin()
    with writer.artifact("database", "database", ".sql.gz") as artifact:
        artifact.write(b"x")
    assert writer.files[0].path == f"{NAME}-database-enc.sql.gz"


def test_a_file_that_failed_is_none_of_the_set(writer):
    with pytest.raises(KeyError), writer.artifact("files", "files", ".tar"):
        raise KeyError
    assert writer.files == ()
    with pytest.raises(FileExistsError), new_artifact(writer.folder / f"{NAME}-files.tar", "files", Encryption()):
        pass


def test_the_manifest_makes_a_set_and_a_rename_its_name(writer, tmp_path):
    writer.add([ManifestFile("tablespaces/x.ibd", "tablespace", 1, "0" * 64)])
    digest = writer.write_manifest(manifest_of(NAME))
    assert [path.name for path in tmp_path.iterdir()] == [f"{NAME}.incomplete"]
    folder = writer.publish()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    content = (folder / "manifest.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest
    assert json.loads(content)["name"] == NAME


@pytest.mark.parametrize("is_published", [False, True])
def test_all_of_it_can_be_discarded(writer, tmp_path, is_published):
    writer.write_manifest(manifest_of(NAME))
    if is_published:
        writer.publish()
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def test_leftovers_go_and_sets_stay(tmp_path):
    for name in (NAME, f"{NAME}2.incomplete"):
        (tmp_path / name / "tablespaces").mkdir(parents=True)
    assert remove_leftovers(tmp_path) == [f"{NAME}2.incomplete"]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
