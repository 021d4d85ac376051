from __future__ import annotations

import gzip
import io

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.literals import row_values
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.stream import open_sql
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.summary import DumpSummary, summarise_dump

HEADER = b"""-- begin frappe metadata
-- [frappe]
-- version = 15.55.1
-- branch = version-15
-- [erpnext]
-- version = 15.1.0
-- end frappe metadata
--
"""
PARTIAL = b"-- Partial Backup of Frappe Site site2.local\n-- Backup excludes: tabError Log\n--\n"
DUMP = b"""/*M!999999\\- enable the sandbox mode */
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: 127.0.0.1    Database: _e36ee74f4521c089
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1-log

/*!40101 SET NAMES utf8mb4 */;
CREATE SEQUENCE `s` start with 1 minvalue 1 maxvalue 9 increment by 1 nocache nocycle ENGINE=InnoDB;
DO SETVAL(`s`, 1, 0);
CREATE TABLE `tab``A` (
  `name` varchar(140) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO `tab``A` VALUES
('-- Server version	5.0'),
('-- Dump completed on 2026-01-01  0:00:00');
CREATE TABLE `tabInstalled Application` (
  `name` varchar(140) NOT NULL,
  `app_version` varchar(140),
  `app_name` varchar(140)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO `tabInstalled Application` VALUES
('a','15.55.1','frappe'),
('b',NULL,'it\\'s'),
('c','1',NULL);
/*!50001 CREATE VIEW `v` AS SELECT
 1 AS `a` */;
/*!50001 CREATE ALGORITHM=UNDEFINED VIEW `v` AS select 1 AS `a` */;

"""
FOOTER = b"-- Dump completed on 2026-11-21  9:15:09\n"


def summarise(sql: bytes, deep: bool = True) -> DumpSummary:
    return summarise_dump(open_sql(io.BytesIO(sql), 1 << 30), deep)


@pytest.mark.parametrize("deep", [False, True])
def test_what_a_dump_holds(deep):
    summary = summarise(gzip.compress(HEADER) + gzip.compress(DUMP + FOOTER), deep)
    assert summary.complete
    assert not summary.partial
    assert summary.header_versions == {"frappe": "15.55.1", "erpnext": "15.1.0"}
    assert (summary.dump_host, summary.dump_database) == ("127.0.0.1", "_e36ee74f4521c089")
    assert summary.server_version == "10.11.19-MariaDB-0+deb12u1-log"
    assert summary.table_names == ["tab`A", "tabInstalled Application"]
    assert (summary.table_count, summary.sequence_names, summary.view_names) == (2, ["s"], ["v"])
    assert summary.rows == ({"tab`A": 2, "tabInstalled Application": 3} if deep else {})
    assert summary.collations == {"utf8mb4_unicode_ci": ["tab`A", "tabInstalled Application"]}
    assert summary.sql_bytes == len(HEADER + DUMP + FOOTER)
    assert summary.footer_time == "2026-11-21 09:15:09"
    assert summary.installed_apps == {"frappe": "15.55.1", "it's": ""}
    assert summary.longest_statement_bytes > 100


@pytest.mark.promise(17)
def test_a_partial_dump_is_told_by_its_header_alone():
    assert summarise(HEADER + PARTIAL + DUMP + FOOTER).partial
    assert not summarise(HEADER + DUMP + PARTIAL + FOOTER).partial


@pytest.mark.promise(2)
@pytest.mark.parametrize("deep", [False, True])
def test_a_dump_is_complete_by_its_last_line_alone(deep):
    assert not summarise(HEADER + DUMP, deep).complete
    assert not summarise(HEADER + FOOTER + DUMP, deep).complete
    assert not summarise(HEADER + DUMP + FOOTER + b"-- more\n", deep).complete
    assert summarise(HEADER + DUMP + b"-- Dump completed\n", deep).complete
    assert summarise(HEADER + DUMP + b"-- Dump completed\n", deep).footer_time is None


def test_installed_apps_by_the_columns_that_the_insert_names():
    sql = DUMP.replace(
        b"INSERT INTO `tabInstalled Application` VALUES", b"INSERT INTO `tabInstalled Application` (`app_name`) VALUES"
    )
    assert summarise(sql).installed_apps == {"a": "", "b": "", "c": ""}


def test_values_of_rows_are_read():
    rows = b"(1,'it''s','\\\\\\n\\0\\Z\\b\\t\\r\\%',NULL,-1.5e3,_binary 'x'),\n( 'a' , 'b' )"
    assert list(row_values(rows)) == [
        [b"1", b"it's", b"\\\n\0\x1a\b\t\r%", None, b"-1.5e3", b"x"],
        [b"a", b"b"],
    ]
    assert list(row_values(b"(1,(2))")) == []
