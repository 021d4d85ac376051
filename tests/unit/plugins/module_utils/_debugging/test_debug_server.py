"""Where a server writes its slow log."""

from __future__ import annotations

import socket
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.server import local_log


def test_log_is_here_where_the_server_is(tmp_path: Path) -> None:
    here = {"hostname": socket.gethostname(), "datadir": f"{tmp_path}/"}
    assert local_log(here, "slow.log") == str(tmp_path / "slow.log")
    assert local_log(here, "/var/log/mysql/slow.log") == "/var/log/mysql/slow.log"
    assert local_log({**here, "datadir": str(tmp_path / "none")}, "slow.log") == ""
    assert local_log({**here, "hostname": f"not-{here['hostname']}"}, "slow.log") == ""
