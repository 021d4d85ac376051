from __future__ import annotations

import hashlib
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
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.tablespace_check import check_tablespaces
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.schema import (
    Schema,
    TableDefinition,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.tablespace_set import (
    TableFiles,
    TablespaceFile,
    TablespaceSet,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import KEY, manifest_of

NAME = "20261121_031522-a_b"
CONTENTS = {"tabUser.ibd": b"page" * 8192, "tabUser.cfg": b"cfg", "tabLog.MYD": b"", "tabLog.MYI": b"index"}
FORMS = {
    "files": (TablespaceForm(), ""),
    "archive": (TablespaceForm(True), ""),
    "zstd": (TablespaceForm(True, True), ""),
    "gpg": (TablespaceForm(True, True), "gpg"),
}


@pytest.fixture(params=FORMS)
def kept(request, tmp_path):
    """A set whose tables are kept in one of the forms: its writer, and what the manifest says."""
    form, method = FORMS[request.param]
    writer = SetWriter(tmp_path, NAME, Encryption(method, passphrase=KEY if method else ""))
    writer.begin()
    tablespaces = tables_in(writer.folder / "tablespaces")
    sizes = []
    keep_tables(writer, tablespaces, form, sizes.append)
    assert sum(sizes) == (tablespaces.size_bytes if form.archived else 0)
    return writer, manifest_of(NAME, kinds=("physical",), files=writer.files, encryption=method)


def tables_in(folder):
    folder.mkdir()
    files = {}
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
        files[name] = TablespaceFile(name, len(content), hashlib.sha256(content).hexdigest())
    definitions = (
        TableDefinition("tabUser", "InnoDB", "tabUser", "CREATE TABLE `tabUser` (`a` int)"),
        TableDefinition("tabLog", "MyISAM", "tabLog", "CREATE TABLE `tabLog` (`a` int)"),
    )
    tables = (
        TableFiles("tabUser", "InnoDB", (files["tabUser.ibd"], files["tabUser.cfg"])),
        TableFiles("tabLog", "MyISAM", (files["tabLog.MYD"], files["tabLog.MYI"])),
    )
    schema = Schema("utf8mb4", "utf8mb4_unicode_ci", definitions, (), (), ())
    return TablespaceSet(folder, "_1", schema, tables, "10.11.19-MariaDB", 16384)


def test_what_is_kept_can_be_opened_and_is_what_it_says(kept):
    writer, manifest = kept
    check_tablespaces(writer.folder, manifest, KEY)
    names = {path.name for path in writer.folder.iterdir()}
    assert len(names) == 2
    assert ("tablespaces" in names) is (len(manifest.files) > 2)


def test_what_was_changed_or_left_out_is_refused(kept):
    writer, manifest = kept
    without_schema = manifest_of(NAME, files=tuple(file for file in manifest.files if file.kind != "schema"))
    code = "artifact_corrupt"
    with pytest.raises(LifeboatError) as failure:
        check_tablespaces(writer.folder, without_schema, KEY)
    assert failure.value.error_code == "tablespaces_invalid"
    if len(manifest.files) > 2:
        listed = tuple(file for file in manifest.files if not file.path.endswith(".MYD"))
        manifest, code = manifest_of(NAME, files=listed), "tablespaces_invalid"
    else:
        (archive,) = (writer.folder / file.path for file in manifest.files if file.kind == "tablespaces")
        content = archive.read_bytes()
        archive.write_bytes(
            content[:-20] if b"ustar" not in content[:512] else content.replace(b"pagepage", b"PAGEpage", 1)
        )
    with pytest.raises(LifeboatError) as failure:
        check_tablespaces(writer.folder, manifest, KEY)
    assert failure.value.error_code == code


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
