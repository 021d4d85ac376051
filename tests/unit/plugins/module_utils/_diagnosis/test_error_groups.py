from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.events import ErrorEvent
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.groups import (
    advice_for,
    group_events,
    group_lines,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.knowledge import read_knowledge

KNOWLEDGE = read_knowledge([{"id": "disk_full", "title": "Full", "patterns": ["No space left"], "steps": ["df -h"]}])
FULL = "OSError: [Errno 28] No space left on device"
EVENTS = [
    ErrorEvent("ValueError: x", "a.log", 5.0),
    ErrorEvent(FULL, "a.log", 20.0, "one"),
    ErrorEvent(FULL, "Error Log", 10.0, "two"),
    ErrorEvent(FULL, "a.log"),
]


def test_events_are_counted_with_their_times_sources_and_sites() -> None:
    first, second = (group.as_dict() for group in group_events(EVENTS, KNOWLEDGE, now_seconds=30))
    assert (first["count"], first["known"], first["sites"], first["sources"]) == (
        3,
        "disk_full",
        ["one", "two"],
        ["Error Log", "a.log"],
    )
    assert (first["first_seen"], first["last_seen"]) == ("1970-01-01T00:00:10+00:00", "1970-01-01T00:00:30+00:00")
    assert (second["title"], second["known"]) == ("ValueError: x", "")


def test_advice_is_given_once_with_its_count() -> None:
    twice = [*EVENTS, ErrorEvent("frappe.x: No space left on device", "b.log", 1.0)]
    assert [(entry["id"], entry["count"]) for entry in advice_for(group_events(twice, KNOWLEDGE, 30))] == [
        ("disk_full", 4)
    ]


def test_lines_say_what_to_do_first() -> None:
    assert group_lines(group_events(EVENTS, KNOWLEDGE, 30), most=1) == [
        "Errors: 4 events of 2 kinds",
        f"  3 x {FULL}",
        "      Full: df -h (disk_full)",
    ]
    assert group_lines(group_events(EVENTS, KNOWLEDGE, 30), most=2)[-1] == "  1 x ValueError: x"
    assert group_lines([], most=1) == ["Errors: none."]
