"""The memory of a load does not grow with the dump: a gigabyte of SQL goes into a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, fetch_all

from tests.integration.loading import staging

MEMORY_LIMIT_KIB = 300 * 1024
ROOT = Path(__file__).resolve().parents[2]

LOAD = """
import importlib, json, pathlib, re, sys
root, login, database = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
sys.path.insert(0, root)
import conftest
utils = "ansible_collections.lifeboat.frappe.plugins.module_utils."
of = lambda name: importlib.import_module(utils + name)
ROWS = b",\\n".join(b"(%d,'%s')" % (number, b"x" * 8000) for number in range(120))
INSERT = b"INSERT INTO `tabVersion` VALUES\\n" + ROWS + b";\\n"
HEAD = b"CREATE TABLE `tabVersion` (\\n  `name` int,\\n  `data` longtext\\n) ENGINE=MyISAM;\\n"
FOOT = b"-- Dump completed on 2026-11-21  9:15:09\\n"
INSERTS = (1 << 30) // len(INSERT) + 1

class Dump:
    def __init__(self):
        self.pieces = self.make()
        self.rest = b""

    def make(self):
        yield HEAD
        for _number in range(INSERTS):
            yield INSERT
        yield FOOT

    def read(self, size=-1):
        while len(self.rest) < size:
            piece = next(self.pieces, None)
            if piece is None:
                break
            self.rest += piece
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

login = of("_mariadb.connection").LoginOptions(**login)
loader = of("_mariadb.loader")
options = loader.LoadOptions(
    login=login, database=database, administrator=login, definer_host="localhost", connections=3,
    is_logged=False, max_allowed_packet_bytes=16 << 20,
)
stream = of("_mariadb.dump.stream").open_sql(Dump(), 1 << 40)
result = loader.load_dump(stream, options, of("_system.progress").ProgressReporter(), lambda: None)
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text()).group(1))
rows = result.rows["tabVersion"]
print(json.dumps({"peak_kib": peak, "sql_bytes": result.loaded_bytes, "rows": rows, "expected": 120 * INSERTS}))
"""


@pytest.mark.promise(20)
def test_a_load_of_a_gigabyte_stays_below_its_limit(mariadb_server):
    with staging(mariadb_server) as options:
        login = json.dumps(asdict(mariadb_server.login))
        loaded = subprocess.run(
            [sys.executable, "-c", LOAD, str(ROOT), login, options.database],
            check=True,
            stdout=subprocess.PIPE,
        )
        found = json.loads(loaded.stdout)
        connection = connect(mariadb_server.login, options.database)
        (count,) = fetch_all(connection, "SELECT COUNT(*) FROM `tabVersion`")[0]
        connection.close()
    assert found["sql_bytes"] > 1 << 30
    assert count == found["rows"] == found["expected"]
    assert found["peak_kib"] < MEMORY_LIMIT_KIB
