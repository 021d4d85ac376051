"""Files of JSON lines."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.json_lines import (
    append_json_line,
    read_json_lines,
)

LIMIT_BYTES = 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lines.jsonl"


def numbers(path: Path) -> list[int]:
    return [record["number"] for record in read_json_lines(path)]


def test_file_that_is_not_there_has_no_records(path: Path) -> None:
    assert read_json_lines(path) == []


def test_file_does_not_grow_for_ever(path: Path) -> None:
    for number in range(200):
        append_json_line(path, {"number": number, "text": "x" * 50}, LIMIT_BYTES)
    sizes = {generation.name: generation.stat().st_size for generation in path.parent.iterdir()}
    assert set(sizes) == {"lines.jsonl", "lines.jsonl.1"}
    assert max(sizes.values()) <= LIMIT_BYTES
    assert numbers(path) == list(range(numbers(path)[0], 200))
    assert len(numbers(path)) > 12


@pytest.mark.parametrize("damage", [b'{"number": 2\n', b"\xff\n", b"[1]\n", b"\n"])
def test_damaged_line_is_left_out(path: Path, damage: bytes) -> None:
    append_json_line(path, {"number": 1}, LIMIT_BYTES)
    path.write_bytes(path.read_bytes() + damage)
    append_json_line(path, {"number": 3}, LIMIT_BYTES)
    assert numbers(path) == [1, 3]


def test_nothing_is_lost_when_several_append(path: Path) -> None:
    def append(first: int) -> None:
        for number in range(first, first + 10):
            append_json_line(path, {"number": number}, LIMIT_BYTES)

    threads = [threading.Thread(target=append, args=(first,)) for first in (0, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers(path)) == list(range(30))
