from __future__ import annotations

import io
import subprocess
import tarfile

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.encryption import Encryption
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.physical_part import (
    TablespaceForm,
    keep_tables,
    manifest_tables,
    tablespace_form,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.set_writer import SetWriter
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import ManifestTable

from tests.files_of_tables import CONTENTS, tables_in

NAME = "20261121_031522-a_b"


def test_an_archive_is_one_that_tar_and_zstd_read(tmp_path):
    writer = SetWriter(tmp_path, NAME, Encryption())
    writer.begin()
    keep_tables(writer, tables_in(writer.folder / "tablespaces"), TablespaceForm(True, True), int)
    unpacked = subprocess.check_output(["zstd", "-dc", writer.folder / f"{NAME}-tablespaces.tar.zst"])
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        assert {name: archive.extractfile(name).read() for name in archive.getnames()} == CONTENTS


def test_what_the_manifest_says_of_tables(tmp_path):
    assert manifest_tables(tables_in(tmp_path / "t")) == (
        ManifestTable("tabUser", "InnoDB", pages=2),
        ManifestTable("tabLog", "MyISAM"),
    )


@pytest.mark.parametrize(
    ("compress", "encrypted", "has_zstd", "form"),
    [
        (False, False, True, TablespaceForm()),
        (True, False, True, TablespaceForm(True, True)),
        (False, True, True, TablespaceForm(True, True)),
        (False, True, False, TablespaceForm(True, False)),
    ],
)
def test_in_which_form_tables_are_kept(monkeypatch, tmp_path, compress, encrypted, has_zstd, form):
    if not has_zstd:
        monkeypatch.setenv("PATH", str(tmp_path))
    assert tablespace_form(compress, encrypted) == form
