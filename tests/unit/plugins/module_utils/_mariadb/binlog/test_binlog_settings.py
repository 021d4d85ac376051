"""The settings that decide whether a log can bring anything back."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.settings import judge_settings

GOOD = {
    "log_bin": "ON",
    "binlog_format": "ROW",
    "binlog_row_image": "FULL",
    "sync_binlog": "1",
    "binlog_checksum": "CRC32",
    "binlog_expire_logs_seconds": "864000",
    "expire_logs_days": "10.000000",
}


def test_nothing_to_mend():
    assert judge_settings(GOOD, 3600) == ()
    assert judge_settings({**GOOD, "binlog_expire_logs_seconds": "0", "max_binlog_total_size": "0"}, 3600) == ()


@pytest.mark.parametrize(
    ("variable", "value", "severity", "statement", "line"),
    [
        ("binlog_format", "MIXED", "critical", "SET GLOBAL binlog_format = 'ROW'", "binlog_format = ROW"),
        ("binlog_row_image", "MINIMAL", "critical", "SET GLOBAL binlog_row_image = 'FULL'", "binlog_row_image = FULL"),
        ("sync_binlog", "0", "warning", "SET GLOBAL sync_binlog = 1", "sync_binlog = 1"),
        ("binlog_checksum", "NONE", "warning", "SET GLOBAL binlog_checksum = 'CRC32'", "binlog_checksum = CRC32"),
        (
            "max_binlog_total_size",
            "1048576",
            "warning",
            "SET GLOBAL max_binlog_total_size = 0",
            "max_binlog_total_size = 0",
        ),
        (
            "binlog_expire_logs_seconds",
            "3600",
            "warning",
            "SET GLOBAL binlog_expire_logs_seconds = 86400",
            "binlog_expire_logs_seconds = 86400",
        ),
    ],
)
def test_each_setting_and_what_mends_it(variable, value, severity, statement, line):
    (finding,) = judge_settings({**GOOD, variable: value}, 3600)
    assert (finding.variable, finding.value, finding.severity) == (variable, value, severity)
    assert (finding.statement, finding.option_line) == (statement, line)
    assert finding.remedy == f"{statement}; and in the option file under [mariadbd]: {line}"
    assert finding.as_dict()["remedy"] == finding.remedy


@pytest.mark.parametrize("variables", [{**GOOD, "log_bin": "OFF"}, {}])
def test_without_a_log_nothing_else_counts(variables):
    (finding,) = judge_settings(variables, 3600)
    assert (finding.variable, finding.severity, finding.statement) == ("log_bin", "critical", "")
    assert finding.remedy == "In the option file under [mariadbd]: log_bin = binlog, then restart the server"


def test_the_server_keeps_its_logs_for_four_runs():
    (finding,) = judge_settings(GOOD, 3 * 86400)
    assert (finding.wanted, "every 3 days" in finding.reason) == (str(12 * 86400), True)
    older = {name: value for name, value in GOOD.items() if name != "binlog_expire_logs_seconds"}
    assert judge_settings(older, 3600) == ()
    (finding,) = judge_settings({**older, "expire_logs_days": "0.5"}, 3600)
    assert (finding.value, finding.wanted) == ("43200", "86400")
