"""Lists that wait in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects import redis_frappe_keys

from tests.check_runs import run_one
from tests.redis_doubles import ToldRedis


class Cache:
    """A server whose keys come in pages of one."""

    def __init__(self, lists: dict[bytes, int]) -> None:
        self.lists = lists
        self.asked: list[bytes] = []

    def scan(self, cursor: int, match: str, count: int, _type: str) -> tuple[int, list[bytes]]:
        assert (match, count, _type) == ("*|*", 1000, "list")
        names = sorted(self.lists)
        return (cursor + 1 if cursor + 1 < len(names) else 0), names[cursor : cursor + 1]

    @contextmanager
    def pipeline(self, transaction: bool) -> Iterator[Cache]:
        assert not transaction
        yield self

    def llen(self, name: bytes) -> None:
        self.asked.append(name)

    def execute(self) -> list[int]:
        return [self.lists[name] for name in self.asked]


@pytest.mark.parametrize(
    ("lists", "severity", "text"),
    [
        ({}, "ok", "there is no such list"),
        (
            {b"_a|monitor-transactions": 7, b"_b|insert_queue_for_View Log": 9},
            "ok",
            "the longest of 2 lists has 9 items",
        ),
        ({b"_a|monitor-transactions": 100_001}, "warning", "the longest of 1 list has 100,001 items"),
        ({b"_a|monitor-transactions": 900_001}, "critical", "the longest of 1 list has 900,001 items"),
    ],
)
def test_longest_list_counts(lists: dict[bytes, int], severity: str, text: str) -> None:
    (found,) = run_one("R12", ToldRedis({}, roles=("cache",), server=Cache(lists)))
    assert (found.severity, found.text) == (severity, text)


def test_looking_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_frappe_keys, "MOST_LISTS", 2)
    lists = {f"_a|list-{number}".encode(): number for number in range(9)}
    (found,) = run_one("R12", ToldRedis({}, roles=("cache",), server=Cache(lists)))
    assert "the longest of 2 lists has 1 item; not all keys" in found.text


def test_only_the_cache_is_looked_at() -> None:
    server: Any = object()
    (found,) = run_one("R12", ToldRedis({}, roles=("queue",), server=server))
    assert found.severity == "skipped"
