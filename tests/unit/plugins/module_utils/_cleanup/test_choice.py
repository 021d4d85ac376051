"""Which files may go: compared with a model that is slow and obvious."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import (
    OPEN,
    PROTECTED,
    Age,
    Caps,
    Protection,
    choose_files,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.find import FoundFile
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_763_745_600.0
MANY = Caps(10**12, 10**6)
ROOT = Path("/bench/logs")


FILES: dict[bytes, FoundFile] = {}


def line(name: str, age_seconds: int, size_bytes: int = 512, inode: int = 1) -> bytes:
    """Return what find prints of a file, which ``look`` knows from then on."""
    found = f"{NOW - age_seconds:22.10f} {name}".encode()
    modified_ns = int((NOW - age_seconds) * 10**9)
    FILES[found] = FoundFile(name, modified_ns, 7, inode, size_bytes, size_bytes // 512 * 512, modified_ns)
    return found


def look(found: bytes) -> FoundFile | None:
    return FILES.get(found)


def paths(choice: object) -> list[str]:
    return [item.path.rpartition("/")[2] for item in choice.items]  # type: ignore[attr-defined]


@given(
    ages=st.lists(st.integers(-1000, 1000), max_size=40, unique=True),
    older=st.integers(0, 500),
    newest=st.integers(0, 5),
    cap=st.integers(0, 12),
    batch=st.integers(1, 10),
)
def test_the_oldest_go_and_the_newest_stay(ages: list[int], older: int, newest: int, cap: int, batch: int) -> None:
    lines = [line(f"{age}.log", age, inode=index) for index, age in enumerate(ages)]
    batches = [lines[start : start + batch] for start in range(0, len(lines), batch)]
    choice = choose_files("x", ROOT, batches, look, Age(older, newest), NOW, Protection(), Caps(10**12, cap))
    may_go = [age for age in sorted(ages)[newest:] if age > older]
    assert paths(choice) == [f"{age}.log" for age in sorted(may_go, reverse=True)[:cap]]
    assert choice.left_items == len(may_go) - len(choice.items)
    assert all(item.age_seconds > older for item in choice.items)


def test_bytes_are_capped_and_smaller_files_still_fit() -> None:
    lines = [line("big", 300, 5120), line("huge", 200, 51200), line("small", 100, 512)]
    choice = choose_files("x", ROOT, [lines], look, Age(1), NOW, Protection(), Caps(6000, 10))
    assert (paths(choice), choice.left_items) == (["big", "small"], 1)
    assert sum(item.bytes for item in choice.items) == 5632


def test_protected_and_open_files_stay_with_the_reason() -> None:
    lines = [line("a", 300, inode=1), line("b", 200, inode=2), line("c", 100, inode=3)]
    protection = Protection(("*/logs/b",), {(7, 3)})
    choice = choose_files("x", ROOT, [lines], look, Age(1), NOW, protection, MANY)
    assert paths(choice) == ["a"]
    assert choice.kept == (("/bench/logs/b", PROTECTED), ("/bench/logs/c", OPEN))
    assert choice.left_items == 0


def test_item_says_why_it_may_go() -> None:
    lines = [line("a", 86400 * 31), line("b", 0)]
    (item,) = choose_files("logs", ROOT, [lines], look, Age(86400 * 30, 1), NOW, Protection(), MANY).items
    assert (item.rule, item.root, item.path) == ("logs", "/bench/logs", "/bench/logs/a")
    assert item.reason == "older than 30 days; the newest 1 stay"
    assert Age(86400).reason == "older than 1 day"


def test_file_that_is_gone_by_now_is_neither_chosen_nor_left() -> None:
    lines = [line("a", 300), line("b", 200)]
    del FILES[lines[0]]
    choice = choose_files("x", ROOT, [lines], look, Age(1), NOW, Protection(), MANY)
    assert (paths(choice), choice.left_items, choice.kept) == (["b"], 0, ())
