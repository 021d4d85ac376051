"""What a server's error log says about damage."""

from __future__ import annotations

from datetime import datetime

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.error_log import lines_since, summarise_log

STAMP = "2026-11-20  9:05:07 3"


@pytest.mark.parametrize(
    ("line", "label", "has_damage"),
    [
        (f"{STAMP} [ERROR] mariadbd: Table './_a/tabX' is marked as crashed", "a table is marked as crashed", True),
        ("261120  9:05:07 [ERROR] /usr/sbin/mariadbd got signal 11 ;", "the server crashed", True),
        (f"{STAMP} [ERROR] [FATAL] InnoDB: innodb_fatal_semaphore_wait_threshold exceeded", "the server crashed", True),
        (f"{STAMP} [ERROR] InnoDB: Database page corruption on disk or a failed file read", "data is damaged", True),
        (f"{STAMP} [ERROR] mariadbd: Index for table './_a/tabX.MYI' is corrupt; try to", "data is damaged", True),
        (f"{STAMP} [ERROR] InnoDB: Table `_a`.`tabX` is corrupted.", "data is damaged", True),
        (f"{STAMP} [ERROR] mariadbd: Out of memory (Needed 130760 bytes)", "memory ran out", True),
        (f"{STAMP} [Warning] InnoDB: A long semaphore wait:", "InnoDB waited long for itself", False),
        (f"{STAMP} [ERROR] Error in accept: Too many open files", "too many files were open", False),
        (f"{STAMP} [ERROR] InnoDB: write failed: No space left on device", "the disk was full", False),
    ],
)
def test_telling_line_is_counted(line: str, label: str, has_damage: bool) -> None:
    summary = summarise_log([line, line])

    assert (summary.lines, summary.has_damage) == (2, has_damage)
    assert summary.texts[0].startswith(f"{label} (2 x")


@pytest.mark.parametrize(
    "line",
    [
        f"{STAMP} [Note] InnoDB: Buffer pool(s) load completed",
        f"{STAMP} [Note] InnoDB: Checked for page corruption",
        f"{STAMP} [Warning] Access denied for user 'got signal 11'@'10.0.0.1' (using password: YES)",
        f"{STAMP} [Warning] Aborted connection 5 to db: 'x' user: 'is marked as crashed' host: 'h'",
        "Query (0x7f): INSERT INTO note VALUES ('the table is marked as crashed')",
    ],
)
def test_line_of_a_client_or_a_note_is_passed_over(line: str) -> None:
    summary = summarise_log([line])

    assert (summary.lines, summary.has_damage, summary.texts) == (0, False, ())


def test_damage_comes_first_with_the_last_file() -> None:
    summary = summarise_log(
        [
            f"{STAMP} [ERROR] Too many open files",
            f"{STAMP} [ERROR] Table './_a/tabX' is marked as crashed",
            f"{STAMP} [ERROR] Table './_a/tabError@0020Log' is marked as crashed",
            f"{STAMP} [ERROR] A table is marked as crashed",
        ]
    )

    assert summary.texts == (
        "a table is marked as crashed (3 x, last: ./_a/tabError@0020Log)",
        "too many files were open (1 x)",
    )


def test_lines_since_a_moment_keep_what_belongs_to_them() -> None:
    lines = [
        "without a time",
        "2026-11-19 23:00:00 0 [Note] old",
        "of the old one",
        "2026-13-40 99:00:00 0 no time",
        "261120  9:05:07 [ERROR] got signal 6 ;",
        "Thread pointer: 0x0",
    ]

    assert list(lines_since(lines, datetime(2026, 11, 20))) == lines[4:]  # noqa: DTZ001 (as the log is written)
