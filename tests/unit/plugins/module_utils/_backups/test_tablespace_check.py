from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.encryption import Encryption
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.physical_part import (
    TablespaceForm,
    keep_tables,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.set_writer import SetWriter
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.tablespace_check import check_tablespaces
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import KEY, manifest_of
from tests.files_of_tables import tables_in

NAME = "20261121_031522-a_b"
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


def test_what_is_kept_can_be_opened_and_is_what_it_says(kept):
    writer, manifest = kept
    check_tablespaces(writer.folder, manifest, KEY)
    names = {path.name for path in writer.folder.iterdir()}
    assert len(names) == 2
    assert ("tablespaces" in names) is (len(manifest.files) > 2)


def test_what_was_changed_or_left_out_is_refused(kept):
    writer, manifest = kept
    without_schema = manifest_of(NAME, files=tuple(file for file in manifest.files if file.kind != "schema"))
    with pytest.raises(LifeboatError) as failure:
        check_tablespaces(writer.folder, without_schema, KEY)
    assert failure.value.error_code == "tablespaces_invalid"
    if len(manifest.files) > 2:
        listed = tuple(file for file in manifest.files if not file.path.endswith(".MYD"))
        manifest = manifest_of(NAME, files=listed)
    else:
        (archive,) = (writer.folder / file.path for file in manifest.files if file.kind == "tablespaces")
        content = archive.read_bytes()
        archive.write_bytes(
            content[:-20] if b"ustar" not in content[:512] else content.replace(b"pagepage", b"PAGEpage", 1)
        )
    with pytest.raises(LifeboatError) as failure:
        check_tablespaces(writer.folder, manifest, KEY)
    assert failure.value.error_code == "artifact_corrupt"
