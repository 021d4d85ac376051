"""A site whose tables need maintenance, in a real server that repairs nothing by itself."""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.accounts import create_account
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier
from ansible_collections.lifeboat.frappe.plugins.modules import database_maintenance

from tests.backup_sets import write_set
from tests.cleanup_folder import make_bench
from tests.lab import MariaDBServer
from tests.lab.processes import wait_until
from tests.modules import run_module

SITE = "a.example"
PASSWORD = "site-password"
MEBIBYTE = 1024 * 1024
# What this host does besides must not decide how a test ends.
LIMITS: dict[str, Any] = {
    "rebuild_min_bytes": MEBIBYTE,
    "reclaim_min_bytes": MEBIBYTE,
    "free_reserve_percent": 0,
    "max_io_pressure_percent": 101,
    "max_threads_running": 100_000,
    "max_history_length": 10**12,
}
# A server that leaves tables as a crash left them, and statistics as they were made.
SERVER_VARIABLES: dict[str, Any] = {"myisam_recover_options": "OFF", "innodb_stats_auto_recalc": 0}


class MaintainedSite:
    """The site.

    Args:
        folder: An empty folder.
        server: The server.
    """

    def __init__(self, folder: Path, server: MariaDBServer) -> None:
        self.folder, self.server = folder, server
        self.state_path = folder / "state"
        self.database = f"_{secrets.token_hex(8)}"
        self.bench = make_bench(folder)
        self.site = self.bench.site(SITE)
        self.administrator = connect(server.login)
        execute(self.administrator, f"CREATE DATABASE {quote_identifier(self.database)} CHARACTER SET utf8mb4")
        execute(self.administrator, f"USE {quote_identifier(self.database)}")
        create_account(self.administrator, self.database, ["127.0.0.1", "localhost"], PASSWORD, self.database)
        self.configure(PASSWORD)
        self.make_backup()

    def close(self) -> None:
        """Remove what the site has in the server."""
        execute(self.administrator, f"DROP DATABASE {quote_identifier(self.database)}")
        for host in ("127.0.0.1", "localhost"):
            execute(self.administrator, "DROP USER %s@%s", (self.database, host))
        self.administrator.close()

    def configure(self, password: str) -> None:
        """Write the site's configuration."""
        values = {"db_name": self.database, "db_password": password, "db_port": self.server.port}
        self.site.config_path.write_text(json.dumps(values))

    def make_backup(self, age_seconds: float = 60) -> None:
        """Put a complete set into the site's folder of backups."""
        made_at = time.time() - age_seconds
        stamp = time.strftime("%Y%m%d_%H%M%S", time.localtime(made_at))
        for path in write_set(self.site.backups_path, f"{stamp}-a_example", began_at=int(made_at)).values():
            os.utime(path, (made_at, made_at))

    def fill(self, table: str, rows: int, definition: str = "ENGINE=InnoDB") -> None:
        """Make a table with rows of a kilobyte."""
        execute(
            self.administrator,
            f"CREATE TABLE {quote_identifier(table)} (name INT PRIMARY KEY, text LONGTEXT) {definition}",
        )
        execute(
            self.administrator,
            f"INSERT INTO {quote_identifier(table)} SELECT seq, REPEAT('x', 1000) FROM seq_1_to_{rows}",
        )

    def bloat(self, table: str, rows: int = 6000) -> None:
        """Make a table of which nearly all is free, and statistics that say so."""
        self.fill(table, rows)
        execute(self.administrator, f"DELETE FROM {quote_identifier(table)} WHERE name > 10")
        wait_until(lambda: self.free_bytes(table) > 3 * MEBIBYTE, "the purge of deleted rows")
        fetch_all(self.administrator, f"ANALYZE LOCAL TABLE {quote_identifier(table)}")

    def free_bytes(self, table: str) -> int:
        """Return how many bytes of a table hold nothing."""
        ((free_bytes,),) = fetch_all(
            self.administrator,
            "SELECT DATA_FREE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
            (self.database, table),
        )
        return int(free_bytes)

    def leftovers(self) -> list[str]:
        """Return the files that a rebuild left in the database's folder."""
        return [path.name for path in (self.server.data_path / self.database).glob("#sql*")]

    def mark_as_crashed(self, table: str) -> None:
        """Set what MyISAM sets in the header of an index when a crash, or a fault, left it broken."""
        execute(self.administrator, f"FLUSH TABLES {quote_identifier(table)}")
        path = self.server.data_path / self.database / f"{table}.MYI"
        content = bytearray(path.read_bytes())
        content[26] |= 2  # STATE_CRASHED in the state's field "changed"
        path.write_bytes(content)
        execute(self.administrator, f"FLUSH TABLES {quote_identifier(table)}")

    def options(self, **changes: Any) -> dict[str, Any]:
        """Return the options of a run of the module."""
        return {
            "bench_path": str(self.bench.path),
            "state_path": str(self.state_path),
            "repository_path": str(self.folder / "repository"),
            "config_file": str(self.server.option_file),
            **changes,
            "thresholds": {**LIMITS, **changes.get("thresholds", {})},
        }

    def maintain(self, *, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        """Run the module."""
        return run_module(database_maintenance, check_mode=check_mode, **self.options(**changes))
