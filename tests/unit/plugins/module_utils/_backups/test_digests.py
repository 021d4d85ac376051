"""Files against their digests."""

from __future__ import annotations

import hashlib

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.digests import changed_files, file_digest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import ManifestFile


def test_a_file_has_its_digest(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    assert file_digest(tmp_path / "a") == hashlib.sha256(b"content").hexdigest()


def test_changed_files_are_named_and_what_is_read_is_told(tmp_path):
    files = []
    for name in ("same", "other"):
        (tmp_path / name).write_bytes(name.encode())
        files.append(ManifestFile(name, "database", len(name), hashlib.sha256(b"same").hexdigest()))
    told = []
    (sentence,) = changed_files(tmp_path, files, lambda size, name: told.append((name, size)))
    assert sentence.startswith("other is not what the manifest says")
    assert told == [("same", 4), ("other", 5)]
