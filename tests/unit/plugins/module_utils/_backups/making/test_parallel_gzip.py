from __future__ import annotations

import gzip
import random

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.parallel_gzip import (
    MEMBER_BYTES,
    ParallelGzip,
)


def packed(content, piece_bytes, threads):
    parts = []
    with ParallelGzip(parts.append, threads) as stream:
        for start in range(0, len(content), piece_bytes):
            stream.write(content[start : start + piece_bytes])
        stream.close()
    return b"".join(parts)


@pytest.mark.parametrize("threads", [1, 3])
def test_every_byte_comes_back_in_order(threads):
    content = random.Random(1).randbytes(64) * (5 * MEMBER_BYTES // 64) + b"the end"
    stored = packed(content, 1_000_003, threads)
    assert len(stored) < len(content) / 10
    assert gzip.decompress(stored) == content


def test_nothing_gives_nothing():
    assert packed(b"", 1, 1) == b""


def test_an_error_of_the_disk_comes_out():
    def write(_content):
        raise OSError(28, "No space left on device")

    with ParallelGzip(write, 2) as stream:
        stream.write(b"x")
        with pytest.raises(OSError, match="No space left"):
            stream.close()
