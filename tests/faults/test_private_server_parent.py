"""A process that is killed takes its private server with it: no server of ours is ever left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.processes import wait_until
from tests.tools.checkout import COLLECTIONS_PATH

PARENT = """
import sys, time
from pathlib import Path
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.private_server import PrivateServer

with PrivateServer(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.promise(25)
def test_private_server_dies_with_its_killed_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "server")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS_PATH)},
    )
    with parent:
        assert parent.stdout is not None
        server = Path("/proc", parent.stdout.readline().strip())
        assert (server / "comm").read_text() == "mariadbd\n"
        os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: not _runs(server), "the end of the private server")


def _runs(process: Path) -> bool:
    try:
        return "mariadbd" in (process / "comm").read_text() and (process / "cmdline").read_bytes() != b""
    except OSError:
        return False
