"""What a server says of its logs; what a real one says is in the integration tests."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import (
    ask_for_binlogs,
    read_live_binlogs,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

VARIABLES = {
    "log_bin": "ON",
    "server_id": "4",
    "port": "3306",
    "hostname": socket.gethostname(),
    "gtid_binlog_state": "0-4-9",
}


class Server:
    """A connection whose server answers with these variables and files."""

    def __init__(self, folder, *names, **variables):
        self.variables = {**VARIABLES, "log_bin_basename": f"{folder}/binlog", **variables}
        self.files = [(name, 40 + number, "No") for number, name in enumerate(names)]

    def query(self, statement):
        return list(self.variables.items()) if "VARIABLES" in statement else self.files

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def execute(self, statement, _arguments):
        self.statement = statement

    def fetchall(self):
        return self.query(self.statement)


@pytest.fixture
def folder(tmp_path):
    for name in ("binlog.000001", "binlog.000002"):
        (tmp_path / name).write_text("")
    return tmp_path


def test_files_on_this_host(folder):
    live = read_live_binlogs(Server(folder, "binlog.000001", "binlog.000002"))
    assert (live.folder, live.active, live.gtid_state) == (folder, "binlog.000002", "0-4-9")
    assert (live.identity.server_uid, live.identity.server_id, live.identity.port) == ("", 4, 3306)
    logs = live.log_files()
    assert [(log.path, log.size_bytes, log.is_active) for log in logs] == [
        (folder / "binlog.000001", 40, False),
        (folder / "binlog.000002", 41, True),
    ]


@pytest.mark.parametrize("variables", [{"hostname": "elsewhere.example.com"}, {"encrypt_binlog": "ON"}])
def test_files_that_cannot_be_read_here(folder, variables):
    live = ask_for_binlogs(Server(folder, "binlog.000002", **variables).query)
    assert (live.folder, live.log_files()) == (None, ())


def test_a_folder_that_is_not_there(folder):
    assert ask_for_binlogs(Server(folder / "none", "binlog.000002").query).folder is None


def test_a_server_that_writes_no_log(folder):
    server = Server(folder, log_bin="OFF")
    assert ask_for_binlogs(server.query) is None
    with pytest.raises(LifeboatError, match="log_bin is off") as caught:
        read_live_binlogs(server)
    assert caught.value.error_code == "binlog_off"
