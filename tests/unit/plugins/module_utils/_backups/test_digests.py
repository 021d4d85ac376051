"""Files against their digests."""

from __future__ import annotations

import hashlib

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.digests import changed_files
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import ManifestFile


def test_changed_files_are_named_and_what_is_read_is_told(tmp_path):
    files = []
    for name in ("same", "other"):
        (tmp_path / name).write_bytes(name.encode())
        files.append(ManifestFile(name, "database", len(name), hashlib.sha256(b"same").hexdigest()))
    told = []
    (sentence,) = changed_files(tmp_path, files, lambda size, name: told.append((name, size)))
    assert sentence.startswith("other is not what the manifest says")
    assert told == [("same", 4), ("other", 5)]
