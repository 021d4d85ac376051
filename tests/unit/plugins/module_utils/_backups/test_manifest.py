from __future__ import annotations

import hashlib
import json

import jsonschema
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import (
    MANIFEST_NAME,
    InexactTable,
    ManifestFile,
    ManifestTable,
    PreviousSet,
    read_manifest,
    write_manifest,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import manifest_of
from tests.tools.checkout import ROOT

NAME = "20261121_031522-site1_local"
POSITION = BinlogPosition("0-1-5,1-1-7", "binlog.000003", 512)
SCHEMA = json.loads((ROOT / "docs" / "backup-manifest.schema.json").read_text())
FILE = ManifestFile("tablespaces/a.ibd", "tablespace", 5, "0" * 64)
MANIFESTS = {
    "smallest": manifest_of(NAME, position=None, tables=(), files=(FILE,), apps=()),
    "fullest": manifest_of(
        NAME,
        kinds=("logical", "physical"),
        position=POSITION,
        encryption="age",
        encryption_key_fingerprint="8254c329a928",
        site_key_fingerprint="8254c329a928",
        tables=(ManifestTable("a", "InnoDB", rows=2, pages=7), ManifestTable("b", "MyISAM")),
        inexact_tables=(InexactTable("b", "MyISAM", POSITION, POSITION), InexactTable("c", "Aria", None, None)),
        files=(FILE,),
        previous=PreviousSet("20261120_031522-site1_local", "f" * 64),
        proven_at="2026-11-21T03:16:00Z",
    ),
}


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_what_is_written_is_read_again_and_fits_the_schema(tmp_path, manifest):
    digest = write_manifest(tmp_path, manifest)
    content = (tmp_path / MANIFEST_NAME).read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest
    jsonschema.validate(json.loads(content), SCHEMA)
    assert read_manifest(tmp_path) == manifest


@pytest.mark.parametrize(
    "spoil",
    [
        lambda values: values.update(schema_version=2),
        lambda values: values.pop("files"),
        lambda values: values.update(position={"gtid": ""}),
        lambda values: values.update(files=[{"path": "x"}]),
        lambda values: values.update(tables=None),
    ],
    ids=["newer", "without files", "half a position", "half a file", "no tables"],
)
def test_what_cannot_be_understood_is_refused(tmp_path, spoil):
    values = json.loads(json.dumps(MANIFESTS["fullest"].as_dict()))
    spoil(values)
    (tmp_path / MANIFEST_NAME).write_text(json.dumps(values))
    assert code_of(tmp_path) == "manifest_invalid"


@pytest.mark.parametrize("content", [None, b"", b"[]", b"\x8c\x0d"], ids=["none", "empty", "no object", "no text"])
def test_what_is_no_manifest_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / MANIFEST_NAME).write_bytes(content)
    assert code_of(tmp_path) == "manifest_invalid"


def code_of(folder):
    with pytest.raises(LifeboatError) as failure:
        read_manifest(folder)
    return failure.value.error_code
