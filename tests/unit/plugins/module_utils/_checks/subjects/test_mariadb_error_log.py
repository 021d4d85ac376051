"""Where the error log is, what of it is new, and when it cannot be read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects import mariadb_error_log
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult

from tests.server_doubles import NOW_SECONDS, ServerDouble, look

CRASHED = "[ERROR] Table './_erp/tabX' is marked as crashed\n"
RECENT = f"{datetime.fromtimestamp(NOW_SECONDS - 60):%Y-%m-%d %H:%M:%S} 0 "  # noqa: DTZ006 (as the log is written)
OLD = f"{datetime.fromtimestamp(NOW_SECONDS - 90_000):%Y-%m-%d %H:%M:%S} 0 "  # noqa: DTZ006


class Journal:
    """The program journalctl."""

    def __init__(self, output: str = "", error_output: str = "") -> None:
        self.output = output
        self.error_output = error_output
        self.arguments: Sequence[str] = ()

    def __call__(self, arguments: Sequence[str]) -> CommandResult:
        self.arguments = arguments
        return CommandResult(tuple(arguments), 0, self.output, self.error_output)


def server(root: Path, name: str = "error.log", fact: str = "", journal: Journal | None = None) -> ServerDouble:
    facts = History([{"facts": {"D14|127.0.0.1:3306|": fact}}] if fact else [])
    return ServerDouble(
        variables={"log_error": name, "datadir": "/data/"},
        surroundings=Surroundings(root=root, history=facts, runner=journal or Journal(), now=lambda: NOW_SECONDS),
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "error.log"
    path.parent.mkdir()
    path.write_text(OLD + CRASHED + RECENT + CRASHED)
    return path


@pytest.mark.parametrize("name", ["error.log", "/data/error.log", "./error.log"])
def test_first_run_reads_the_last_day(tmp_path: Path, log: Path, name: str) -> None:
    finding = look("D14", server(tmp_path, name))[""]

    assert (finding.severity, finding.value) == ("critical", 1)
    assert json.loads(finding.fact) == {"inode": log.stat().st_ino, "end_bytes": log.stat().st_size}


def test_next_run_reads_what_is_new(tmp_path: Path, log: Path) -> None:
    first = look("D14", server(tmp_path))[""]
    quiet = look("D14", server(tmp_path, fact=first.fact))[""]
    with log.open("a") as stream:
        stream.write(RECENT + "[ERROR] Error in accept: Too many open files\n")
    noisy = look("D14", server(tmp_path, fact=quiet.fact))[""]

    assert (quiet.severity, quiet.value) == ("ok", 0)
    assert (noisy.severity, noisy.value) == ("warning", 1)


def test_rotated_log_is_read_from_its_beginning(tmp_path: Path, log: Path) -> None:
    first = look("D14", server(tmp_path))[""]
    log.rename(log.with_suffix(".1"))
    log.write_text(RECENT + CRASHED)

    assert look("D14", server(tmp_path, fact=first.fact))[""].value == 1


def test_log_that_grew_too_much_is_read_from_its_end(tmp_path: Path, log: Path) -> None:
    first = look("D14", server(tmp_path))[""]
    with log.open("a") as stream:
        stream.write(RECENT + CRASHED)
        stream.write((RECENT + "[Note] x" * 20 + "\n") * (mariadb_error_log.LIMIT_BYTES // 150))
    finding = look("D14", server(tmp_path, fact=first.fact))[""]

    assert finding.value == 0
    assert finding.evidence == ("the log grew by more than 4.0 MiB: only its end was read",)


@pytest.mark.parametrize("fact", ["no JSON", "[1]"])
def test_damaged_cursor_counts_as_none(tmp_path: Path, log: Path, fact: str) -> None:
    assert log.exists()
    assert look("D14", server(tmp_path, fact=fact))[""].value == 1


def test_log_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    finding = look("D14", server(tmp_path))[""]

    assert finding.severity == "unknown"
    assert "the error log /data/error.log cannot be read: No such file or directory" in finding.text


@pytest.mark.parametrize("name", ["", "stderr"])
def test_journal_is_read_where_there_is_no_file(tmp_path: Path, name: str) -> None:
    journal = Journal(RECENT + CRASHED)
    finding = look("D14", server(tmp_path, name, journal=journal))[""]
    again = look("D14", server(tmp_path, name, fact=finding.fact, journal=journal))[""]

    assert finding.severity == "critical"
    assert json.loads(finding.fact) == {"at_seconds": NOW_SECONDS}
    assert f"--since=@{NOW_SECONDS:.0f}" in journal.arguments
    assert again.value == 1


def test_journal_that_may_not_be_read_is_unknown(tmp_path: Path) -> None:
    journal = Journal(error_output="No journal files were opened due to insufficient permissions.")

    assert look("D14", server(tmp_path, "", journal=journal))[""].severity == "unknown"


def test_server_elsewhere_is_unknown() -> None:
    assert look("D14", ServerDouble(host="db.example.com"))[""].severity == "unknown"
