from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.backup_program import (
    check_program,
    copy_tables,
    prepare_tables,
    read_position,
    recovery_point,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

SAID = """[00] 2026-11-21 03:15:04 Starting BACKUP STAGE BLOCK_COMMIT
[00] 2026-11-21 03:15:05 MySQL binlog position: filename 'binlog.000002', position '339'
[00] 2026-11-21 03:15:05 completed OK!
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of mariadb-backup, which says and does what a test writes into it."""
    path = tmp_path / "bin" / "mariadb-backup"
    path.parent.mkdir()
    path.touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    return path


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("tool", "server", "fits"),
    [
        ("10.11.19", "10.11.19-MariaDB-log", True),
        ("10.11.19", "10.11.6-MariaDB", True),
        ("10.11.6", "10.11.19-MariaDB", False),
        ("11.4.2", "10.11.19-MariaDB", False),
        ("10.6.19", "10.11.19-MariaDB", False),
        ("", "10.11.19-MariaDB", False),
        ("10.11.19", "unknown", False),
    ],
    ids=["same", "newer-tool", "older-tool", "newer-series", "older-series", "silent-tool", "odd-server"],
)
def test_program_must_be_of_the_servers_series_and_not_older(tool: str, server: str, fits: bool) -> None:
    def run(arguments: Sequence[str]) -> CommandResult:
        assert arguments[0].endswith("/mariadb-backup")
        said = f"mariadb-backup based on MariaDB server {tool}-MariaDB debian-linux-gnu (x86_64)"
        return CommandResult(tuple(arguments), 0, "", said)

    if fits:
        check_program(server, run)
        return
    with pytest.raises(LifeboatError, match="of the same series and not older") as caught:
        check_program(server, run)
    assert caught.value.error_code == "physical_unsupported"


@pytest.mark.parametrize("name", ["xtrabackup_binlog_info", "mariadb_backup_binlog_info"])
def test_position_is_read_from_the_file_of_either_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("binlog.000002\t339\t0-1-1138,1-1-7\n")
    assert read_position(tmp_path) == BinlogPosition("0-1-1138,1-1-7", "binlog.000002", 339)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("binlog.000002\t339\n", BinlogPosition("", "binlog.000002", 339)), ("", None), (None, None)],
    ids=["no-gtid", "empty", "no-file"],
)
def test_server_may_lack_a_log_or_transaction_ids(
    tmp_path: Path, text: str | None, expected: BinlogPosition | None
) -> None:
    if text is not None:
        (tmp_path / "xtrabackup_binlog_info").write_text(text)
    assert read_position(tmp_path) == expected


def test_recovery_point_is_when_commits_stopped_else_when_the_copy_began(tmp_path: Path) -> None:
    assert recovery_point(SAID, tmp_path) == "2026-11-21T03:15:04Z"
    (tmp_path / "xtrabackup_info").write_text("tool_name = x\nstart_time = 2026-11-21 03:14:00\n")
    assert recovery_point("completed OK!", tmp_path) == "2026-11-21T03:14:00Z"
    (tmp_path / "xtrabackup_info").write_text("")
    with pytest.raises(LifeboatError, match="Cannot tell of what moment"):
        recovery_point("completed OK!", tmp_path)


@pytest.mark.parametrize(
    ("said", "exit_code", "error_code", "advice"),
    [
        ("[00] Error writing file './x.ibd' (Errcode: 28 \"No space left on device\")", 1, "disk_space", "Free some"),
        ("[00] FATAL ERROR: Was only able to copy log from 1 to 2, not 3", 1, "copy_failed", "innodb_log_file_size"),
        ("[00] FATAL ERROR: missing required privilege RELOAD", 1, "mariadb_access_denied", "RELOAD"),
        (
            "[01] Error: failed to read page after 10 retries. File x.ibd seems to be corrupted.",
            1,
            "copy_failed",
            "disk",
        ),
        ("[00] Failed to connect to MariaDB server", 1, "copy_failed", "error log"),
        ("", 0, "copy_failed", "did not say why"),
        ("[00] Starting BACKUP STAGE START", 139, "copy_failed", "did not say why"),
    ],
    ids=["full", "log-gone", "privilege", "damaged", "other", "not-completed", "crashed"],
)
def test_failure_says_what_and_what_to_do(
    program: Path, tmp_path: Path, said: str, exit_code: int, error_code: str, advice: str
) -> None:
    program.write_text(f"#!/bin/sh\necho 'reading'; cat >&2 <<'END'\n{said}\nEND\nexit {exit_code}\n")
    with pytest.raises(LifeboatError, match=advice) as caught:
        prepare_tables(tmp_path / "copy", memory_bytes=1, watch=lambda: None)
    assert caught.value.error_code == error_code


def test_program_gets_the_login_in_a_file_that_has_no_name(program: Path, tmp_path: Path) -> None:
    program.write_text(
        '#!/bin/sh\nfor part in once again; do cat "${1#--defaults-file=}"; done\n'
        "echo \"$@\"; env; echo 'completed OK!'\n"
    )
    said = copy_tables(
        LoginOptions("admin", "very secret", "127.0.0.1"),
        Path("/var/lib/mysql"),
        "my@0020db",
        tmp_path / "copy",
        threads=2,
        watch=lambda: None,
    )
    assert said.count('[mariadb-backup]\nuser="admin"\npassword="very secret"\nhost="127.0.0.1"\n') == 2
    assert said.count("very secret") == 2
    assert f"--backup --target-dir={tmp_path}/copy --datadir=/var/lib/mysql --databases=my@0020db --parallel=2 " in said
