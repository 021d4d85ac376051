"""Which keys of the ``cache`` belong to a database: only the pattern; the deletion is tested on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue import cache


class Keys:
    """A cache that was scanned twice over, as a scan may do while keys move."""

    def __init__(self, *keys: bytes) -> None:
        self.keys = set(keys)
        self.batches: list[tuple[bytes, ...]] = []

    def scan_iter(self, match: str, count: int) -> Iterator[bytes]:
        assert count == cache.BATCH_KEYS
        found = [key for key in self.keys if fnmatchcase(key.decode(), match)]
        yield from found + found

    def unlink(self, *keys: bytes) -> int:
        self.batches.append(keys)
        before = len(self.keys)
        self.keys -= set(keys)
        return before - len(self.keys)


def test_keys_are_deleted_once_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(*(b"_a|%d" % number for number in range(5)), b"_ab|1", b"None|1")

    @contextmanager
    def connection(_url: str) -> Iterator[Keys]:
        yield keys

    monkeypatch.setattr(cache, "redis_connection", connection)
    monkeypatch.setattr(cache, "BATCH_KEYS", 2)
    assert cache.delete_site_keys("redis://x", "_a") == 5
    assert [len(batch) for batch in keys.batches] == [2, 2, 1]
    assert keys.keys == {b"_ab|1", b"None|1"}
    assert cache.delete_site_keys("redis://x", "_a") == 0
