"""What a server says of its logs; what a real one says is in the integration tests."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import (
    ask_for_binlogs,
    read_live_binlogs,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.binlog_files import BinlogServerDouble


@pytest.fixture
def folder(tmp_path):
    for number in (1, 2):
        (tmp_path / f"binlog.{number:06d}").write_bytes(bytes(40 + number))
    return tmp_path


def test_files_on_this_host(folder):
    live = read_live_binlogs(BinlogServerDouble(folder, "binlog.000001", "binlog.000002"))
    assert (live.folder, live.active, live.gtid_state) == (folder, "binlog.000002", "0-4-9")
    assert (live.identity.server_uid, live.identity.server_id, live.identity.port) == ("", 4, 3306)
    logs = live.log_files()
    assert [(log.path, log.size_bytes, log.is_active) for log in logs] == [
        (folder / "binlog.000001", 41, False),
        (folder / "binlog.000002", 42, True),
    ]


@pytest.mark.parametrize("variables", [{"hostname": "elsewhere.example.com"}, {"encrypt_binlog": "ON"}])
def test_files_that_cannot_be_read_here(folder, variables):
    live = ask_for_binlogs(BinlogServerDouble(folder, "binlog.000002", **variables).query)
    assert (live.folder, live.log_files()) == (None, ())


def test_a_folder_that_is_not_there(folder):
    assert (
        ask_for_binlogs(BinlogServerDouble(folder, "binlog.000002", log_bin_basename="/none/binlog").query).folder
        is None
    )


def test_a_server_that_writes_no_log(folder):
    server = BinlogServerDouble(folder, log_bin="OFF")
    assert ask_for_binlogs(server.query) is None
    with pytest.raises(LifeboatError, match="log_bin is off") as caught:
        read_live_binlogs(server)
    assert caught.value.error_code == "binlog_off"
