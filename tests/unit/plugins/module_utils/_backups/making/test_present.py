from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.present import describe_set
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import (
    InexactTable,
    ManifestFile,
    ManifestTable,
    PreviousSet,
)

from tests.backup_sets import manifest_of

NAME = "20261121_031522-site1_local"


def test_a_set_at_a_glance():
    manifest = manifest_of(
        NAME,
        tables=(ManifestTable("a", "InnoDB", rows=2), ManifestTable("b", "MyISAM", rows=3)),
        files=(ManifestFile("x", "files", 5, "0" * 64), ManifestFile("y", "database", 7, "0" * 64)),
        inexact_tables=(InexactTable("b", "MyISAM", None, None),),
        previous=PreviousSet("before", "0" * 64),
    )
    assert describe_set(manifest, Path("/r", NAME)) == {
        "name": NAME,
        "folder": f"/r/{NAME}",
        "kinds": ["logical"],
        "size_bytes": 12,
        "files": 2,
        "recovery_point": "2026-11-21T03:15:22Z",
        "position": {"gtid": "0-1-5", "file": "binlog.000001", "offset": 512},
        "encryption": "",
        "encryption_key_fingerprint": "",
        "tables": 2,
        "rows": 5,
        "inexact_tables": ["b"],
        "previous": "before",
    }


def test_what_is_not_known_is_null():
    manifest = manifest_of(NAME, position=None, tables=(ManifestTable("a", "InnoDB", pages=4),))
    described = describe_set(manifest, Path("/r"))
    assert (described["position"], described["rows"], described["previous"]) == (None, None, "")
