from __future__ import annotations

from datetime import datetime

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.digest.slow_log import (
    STATEMENT_LIMIT,
    parse_slow_log,
    read_log_part,
)

LOG = """\
/usr/sbin/mariadbd, Version: 10.11.19-MariaDB-log (Debian). started with:
Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock
Time\t\t    Id Command\tArgument
# Time: 261121 14:36:04
# User@Host: _a[_a] @ localhost [127.0.0.1]
# Thread_id: 6  Schema: _a  QC_hit: No
# Query_time: 1.500000  Lock_time: 0.000250  Rows_sent: 2  Rows_examined: 5000
# Rows_affected: 0  Bytes_sent: 57
# Tmp_tables: 1  Tmp_disk_tables: 1  Tmp_table_sizes: 131040
# Full_scan: Yes  Full_join: Yes  Tmp_table: Yes  Tmp_table_on_disk: Yes
# Filesort: No  Filesort_on_disk: No  Merge_passes: 0  Priority_queue: No
#
# explain: id\tselect_type\ttable\ttype
# explain: 1\tSIMPLE\ttabUser\tALL
#
use `_a`;
SET timestamp=1795273503;
SELECT name
FROM `tabUser`
# a comment of the statement
WHERE bio = 'line
next';
# User@Host: _b[_b] @ localhost []
# Thread_id: 7  Schema:   QC_hit: No
# Query_time: 0.250000  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0
# Rows_affected: 0  Bytes_sent: 1
use _b;
SET timestamp=1795273504.123;
SELECT SLEEP(0.25);
# User@Host: _b[_b] @ localhost []
# Thread_id: 7  Schema:   QC_hit: No
# Query_time: 3.000000  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0
# Rows_affected: 0  Bytes_sent: 1
SET timestamp=1795273505;
SELECT 2;
# User@Host: _b[_b] @ localhost []
# Thread_id: 7  Schema: _b  QC_hit: No
# Query_time: 3.000000  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0
# Rows_affected: 0  Bytes_sent: 1
SET timestamp=1795273506;
# administrator command: Ping;
"""


def parse(text):
    return list(parse_slow_log(text.splitlines()))


def test_entries_of_a_log():
    first, second, third = parse(LOG)
    assert (first.schema, first.query_seconds, first.lock_seconds) == ("_a", 1.5, 0.00025)
    assert (first.rows_sent, first.rows_examined, first.at_seconds) == (2, 5000, 1795273503.0)
    assert first.is_full_scan is True
    assert first.statement.startswith("SELECT name\nFROM `tabUser`")
    assert first.statement.endswith("WHERE bio = 'line\nnext';")
    assert (second.schema, second.statement, second.is_full_scan) == ("_b", "SELECT SLEEP(0.25);", None)
    assert (third.schema, third.statement) == ("_b", "SELECT 2;")


def test_a_log_that_begins_in_the_middle_of_an_entry():
    text = LOG[LOG.index("# Filesort") :]
    assert [entry.statement for entry in parse(text)] == ["SELECT SLEEP(0.25);", "SELECT 2;"]


def test_a_log_that_ends_in_the_middle_of_an_entry():
    (entry,) = parse(LOG[: LOG.index("# explain")])[:1] or [None]
    assert entry is None or entry.statement
    assert len(parse(LOG[: LOG.index("SELECT 2;")])) == 2


def test_the_time_of_the_header_counts_where_there_is_no_timestamp():
    entry = (
        "# Time: 261121 14:36:04\n# User@Host: a[a] @ b []\n# Query_time: 2.0  Lock_time: x  Rows_sent: 1\nSELECT 1;\n"
    )
    (found,) = parse(entry)
    assert found.at_seconds == datetime(2026, 11, 21, 14, 36, 4).astimezone().timestamp()
    assert (found.lock_seconds, found.rows_examined) == (0.0, 0)
    (found,) = parse(entry.replace("261121 14:36:04", "yesterday"))
    assert found.at_seconds == 0.0
    (found,) = parse(entry.replace("# Time: 261121 14:36:04\n", ""))
    assert found.at_seconds == 0.0


def test_a_quoted_schema_and_a_long_statement():
    entry = (
        "# User@Host: a[a] @ b []\n# Query_time: 2.0  Lock_time: 0\nuse `a``b c`;\nSELECT '" + "x" * 100_000 + "';\n"
    )
    (found,) = parse(entry)
    assert found.schema == "a`b c"
    assert len(found.statement) == STATEMENT_LIMIT


def test_what_came_since_a_cursor(tmp_path):
    path = tmp_path / "slow.log"
    path.write_text("first\n")
    part = read_log_part(path, 1000)
    assert (part.text, part.is_cut) == ("first\n", False)
    with path.open("a") as stream:
        stream.write("second\n")
    later = read_log_part(path, 1000, part.inode, part.end_bytes)
    assert (later.text, later.is_cut) == ("second\n", False)
    assert read_log_part(path, 1000, later.inode, later.end_bytes).text == ""
    # Another file of the same name, and one that was cut shorter, are read from their beginning.
    assert read_log_part(path, 1000, part.inode + 1, part.end_bytes).text == "first\nsecond\n"
    path.write_text("new\n")
    assert read_log_part(path, 1000, later.inode, later.end_bytes).text == "new\n"


def test_a_long_log_is_read_from_near_its_end(tmp_path):
    path = tmp_path / "slow.log"
    path.write_bytes(b"0123456789" + "é".encode())
    part = read_log_part(path, 3)
    assert (part.text, part.is_cut, part.end_bytes) == ("9é", True, 12)


def test_a_log_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_log_part(tmp_path / "none", 10)
