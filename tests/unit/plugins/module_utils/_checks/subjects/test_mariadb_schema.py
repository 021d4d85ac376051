from __future__ import annotations

import pytest

from tests.mariadb_answers import SCHEMA, SITE, AnsweringServer
from tests.server_doubles import look


def keyless(*tables):
    encoded = [(f"{SCHEMA}/{table}".replace(" ", "@0020"),) for table in tables]
    return AnsweringServer({"GEN_CLUST_INDEX": encoded, "TABLE_TYPE FROM": [("BASE TABLE",)]})


def test_tables_that_frappe_ships_without_a_key_are_fine():
    own = keyless("tabSingles", "tabSessions", "__global_search", "__UserSettings", "FTS_1_CONFIG", "#sql-ib12")
    assert look("D23", own)[""].severity == "ok"
    found = look("D23", keyless("tabSales Invoice", "tabSingles"))[""]
    assert (found.severity, found.evidence) == ("warning", (f"{SCHEMA}.tabSales Invoice",))


def test_tables_of_others_are_not_looked_at():
    server = AnsweringServer({"GEN_CLUST_INDEX": [("other/t",)], "TABLE_TYPE FROM": [("BASE TABLE",)]})
    assert look("D23", server)[""].value == 0


def test_a_sequence_is_no_table():
    server = AnsweringServer({"GEN_CLUST_INDEX": [(f"{SCHEMA}/x_id_seq",)], "TABLE_TYPE FROM": [("SEQUENCE",)]})
    assert look("D23", server)[""].value == 0


def test_a_server_without_sites_here_is_looked_at_whole():
    server = AnsweringServer(
        {
            "SHOW DATABASES": [("mysql",), ("other",), ("sys",)],
            "ENGINE <> 'InnoDB'": [("__global_search", "MyISAM"), ("tabNote", "Aria")],
        },
        site_names={},
    )
    assert look("D24", server)[""].evidence == ("other.tabNote (Aria)",)


def test_frappes_own_three_byte_table_is_fine():
    rows = [("__UserSettings", "utf8mb3_general_ci", 3)]
    server = AnsweringServer({"COLUMNS": rows, "SCHEMATA": [("utf8mb4_unicode_ci",)]})
    assert look("D25", server)[SITE].severity == "ok"
    server = AnsweringServer(
        {"COLUMNS": [*rows, ("tabNote", "latin1_swedish_ci", 4)], "SCHEMATA": [("utf8mb4_general_ci",)]}
    )
    found = look("D25", server)[SITE]
    assert (found.value, found.severity) == (5, "warning")
    assert found.evidence == ("new tables become utf8mb4_general_ci", "4 columns of tabNote are latin1_swedish_ci")


@pytest.mark.parametrize(
    ("data_type", "column_type", "value", "used_percent"),
    [
        ("int", "int(11)", 2**31 - 1, 100.0),
        ("int", "int(10) unsigned", 2**31 - 1, 50.0),
        ("tinyint", "tinyint(4)", 127, 100.0),
        ("bigint", "bigint(20)", 10**12, 0.0),
        ("int", "int(11)", None, 0.0),
    ],
)
def test_how_much_of_a_counter_is_used(data_type, column_type, value, used_percent):
    server = AnsweringServer(
        {"EXTRA = 'auto_increment'": [("t", data_type, column_type)], "SELECT AUTO_INCREMENT": [(value,)]}
    )
    assert look("D30", server)[SITE].value == used_percent


def test_sequences_and_series_count_as_well():
    server = AnsweringServer(
        {
            "TABLE_TYPE = 'SEQUENCE'": [("x_id_seq",)],
            "next_not_cached_value": [(901, 1, 1001)],
            "TABLE_NAME = 'tabSeries'": [("int", "int(10)")],
            "MAX(current)": [(None,)],
        }
    )
    found = look("D30", server)[SITE]
    assert (found.value, found.severity) == (90.0, "critical")
    assert found.evidence == ("x_id_seq: 90.0 %", "tabSeries: 0.0 %")
    assert look("D30", AnsweringServer())[SITE].value == 0
