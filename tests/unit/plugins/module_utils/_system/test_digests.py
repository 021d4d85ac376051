from __future__ import annotations

import hashlib
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._system.digests import (
    READ_BYTES,
    file_digest,
    file_digests,
)


def test_digest_is_of_the_whole_file_and_each_read_is_told(tmp_path: Path) -> None:
    content = b"7" * (READ_BYTES + 1)
    (tmp_path / "file").write_bytes(content)
    reads: list[int] = []
    assert file_digest(tmp_path / "file", reads.append) == hashlib.sha256(content).hexdigest()
    assert reads == [READ_BYTES, 1]


def test_digests_keep_the_order_of_the_files(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(20)]
    for path in paths:
        path.write_text(path.name)
    assert file_digests(paths, 3) == [hashlib.sha256(path.name.encode()).hexdigest() for path in paths]
