"""Settings that stop a server from writing, or from telling what is slow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings

from tests.server_doubles import ServerDouble, look

WRITABLE = {"innodb_force_recovery": "0", "innodb_read_only": "OFF", "read_only": "OFF"}
SLOW_LOG = {"slow_query_log": "ON", "long_query_time": "0.5", "log_slow_verbosity": "query_plan,explain"}


@pytest.mark.parametrize(
    ("changes", "replica", "wrong"),
    [
        ({}, [], set()),
        ({"innodb_force_recovery": "1"}, [], {"innodb_force_recovery"}),
        ({"innodb_read_only": "ON"}, [], {"innodb_read_only"}),
        ({"read_only": "ON"}, [], {"read_only"}),
        ({"read_only": "NO_LOCK_NO_ADMIN"}, [], {"read_only"}),
        ({"read_only": "ON"}, [("primary",)], set()),
    ],
)
def test_writable(changes: dict[str, str], replica: list[tuple[Any, ...]], wrong: set[str]) -> None:
    server = ServerDouble(variables={**WRITABLE, **changes}, answers={"SHOW ALL SLAVES": replica})

    found = look("D15", server)

    assert {item for item, finding in found.items() if finding.severity == "critical"} == wrong
    assert {finding.severity for finding in found.values()} <= {"ok", "critical"}


@pytest.mark.parametrize(
    ("changes", "severity", "text"),
    [
        ({}, "ok", "on for statements of more than 0.5 s"),
        ({"long_query_time": "10.0"}, "warning", "on for statements of more than 10 s"),
        ({"slow_query_log": "OFF"}, "warning", "off"),
    ],
)
def test_slow_log(changes: dict[str, str], severity: str, text: str) -> None:
    finding = look("D20", ServerDouble(variables={**SLOW_LOG, **changes}))[""]

    assert (finding.severity, finding.text) == (severity, f"the log of slow statements is {text}")


def test_what_the_slow_log_does_not_tell_is_evidence(tmp_path: Path) -> None:
    variables = {**SLOW_LOG, "log_slow_verbosity": "query_plan"}
    missing = look("D20", ServerDouble(variables=variables, surroundings=Surroundings(root=tmp_path)))[""]
    (tmp_path / "etc" / "logrotate.d").mkdir(parents=True)
    (tmp_path / "etc" / "logrotate.d" / "mariadb").touch()
    complete = look("D20", ServerDouble(variables=SLOW_LOG, surroundings=Surroundings(root=tmp_path)))[""]

    assert missing.evidence == (
        "log_slow_verbosity has no explain",
        "no file of /etc/logrotate.d rotates the logs of MariaDB",
    )
    assert complete.evidence == ()
