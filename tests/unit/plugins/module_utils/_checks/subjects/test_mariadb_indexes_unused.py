from __future__ import annotations

from tests.mariadb_answers import SCHEMA, SITE, AnsweringServer
from tests.server_doubles import look

COLUMNS = [
    ("tabItem", "by_code", "item_code"),
    ("tabItem", "by_code", "item_code,name"),
    ("tabItem", "by_group", "item_group"),
    ("tabItem", "by_group", "item_group,name"),
    ("tabItem", "modified", "modified,name"),
    ("tabItem", "unique_code", "item_code"),
]
STATISTICS = [
    ("PRIMARY", "name", None, 0, "BTREE", "NO"),
    ("by_code", "item_code", None, 1, "BTREE", "NO"),
    ("by_code_and_group", "item_code", None, 1, "BTREE", "NO"),
    ("by_code_and_group", "item_group", None, 1, "BTREE", "NO"),
    ("by_group", "item_group", None, 1, "BTREE", "NO"),
    ("unique_code", "item_code", None, 0, "BTREE", "NO"),
]


def server(uptime_days=40.0, variables=None, **answers):
    given = {"n_diff_pfx%": COLUMNS, "information_schema.STATISTICS": STATISTICS, **answers}
    counters = {"Uptime": uptime_days * 86400}
    return AnsweringServer(given, variables or {"userstat": "ON"}, counters=counters)


def test_unused_indexes():
    used = {"INDEX_STATISTICS": [(SCHEMA, "tabItem", "by_code")]}
    assert look("D26", server(**used))[""].evidence == ("by_group of tabItem",)
    by_schema = {"performance_schema": "ON"}
    counted = {"table_io_waits_summary_by_index_usage": [("_other", "tabItem", "by_group")], **used}
    found = look("D26", server(variables=by_schema, **counted))[""]
    # Another site uses by_group, so only by_code is left.
    assert found.evidence == ("by_code of tabItem",)


def test_what_must_stay_is_not_told():
    declared = {"tabDocField": [("Item", "item_group")], "INDEX_STATISTICS": [(SCHEMA, "tabItem", "by_code")]}
    assert look("D26", server(**declared))[""].severity == "ok"
    foreign = {
        "INNODB_SYS_FOREIGN": [(f"{SCHEMA}/tabItem", "item_group")],
        "INDEX_STATISTICS": [(SCHEMA, "tabItem", "by_code")],
    }
    assert look("D26", server(**foreign))[""].severity == "ok"


def test_what_cannot_be_told():
    assert look("D26", server(uptime_days=30))[""].severity == "unknown"
    assert look("D26", server(variables={"userstat": "OFF"}))[""].severity == "unknown"


def test_superfluous_indexes():
    same = {"HAVING COUNT(*)": [("tabItem",)], "innodb_index_stats": [(3 * 1024**2,)]}
    found = look("D27", server(**same))[SITE]
    assert (found.severity, found.value) == ("warning", 3 * 1024**2)
    assert found.evidence == (f"by_code of tabItem begins by_code_and_group: {3 * 1024**2} bytes",)
    unknown_size = {"HAVING COUNT(*)": [("tabItem",)]}
    assert look("D27", server(**unknown_size))[SITE].value == 0
    declared = {**same, "tabDocField": [("Item", "item_code")]}
    assert look("D27", server(**declared))[SITE].value == 0
