"""A server's binary logs and their archive, filled by the module again and again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archive import (
    BinlogArchive,
    covering_logs,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_index import ArchivedBinlog
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_store import leftovers
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import read_live_binlogs
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.logs import read_transactions
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.modules import binlog_archive

from tests.lab import MariaDBServer
from tests.modules import run_module

ARCHIVE = "db1"
START = BinlogPosition("", "binlog.000001", 4)


class BinlogArchives:
    """Archives the logs of a server, which begin anew with three transactions in two files.

    Args:
        server: The server.
        folder: Where the repository goes.
    """

    def __init__(self, server: MariaDBServer, folder: Path) -> None:
        self.server = server
        self.repository_path = folder / "repository"
        self.archive = BinlogArchive(self.repository_path / "binlogs" / ARCHIVE)
        self.run(
            "DROP DATABASE IF EXISTS s1",
            "RESET MASTER",
            "CREATE DATABASE s1",
            "CREATE TABLE s1.t (a int PRIMARY KEY, b longtext)",
            "FLUSH BINARY LOGS",
        )
        self.write(1)

    def run(self, *statements: str) -> None:
        """Run statements on a connection of their own."""
        with closing(connect(self.server.login)) as connection:
            for statement in statements:
                execute(connection, statement)

    def write(self, *numbers: int) -> None:
        """Commit a transaction for each number."""
        self.run(*(f"INSERT INTO s1.t (a) VALUES ({number})" for number in numbers))

    def attempt(self, **options: Any) -> dict[str, Any]:
        """Run the module and return what it says, whether it failed or not."""
        given = {"archive": ARCHIVE, "reserve_bytes": 0, "config_file": str(self.server.option_file), **options}
        return run_module(binlog_archive, repository_path=str(self.repository_path), **given)

    def keep(self, **options: Any) -> dict[str, Any]:
        """Run the module, which must not fail."""
        result = self.attempt(**options)
        assert not result["failed"], result
        return result

    @property
    def entries(self) -> tuple[ArchivedBinlog, ...]:
        """What the archive holds."""
        return self.archive.entries()

    @property
    def names(self) -> list[str]:
        """The names of the logs in the archive, each of which must be whole."""
        entries = self.entries
        assert self.archive.damaged(entries) == []
        return [entry.name for entry in entries]

    @property
    def leftovers(self) -> tuple[str, ...]:
        """What lies in the archive's folder and is not of it."""
        return leftovers(self.archive.folder)

    def gtids_to_now(self, since: BinlogPosition = START) -> list[str]:
        """Return the transactions that the archive and the server hold together, without a gap."""
        with closing(connect(self.server.login)) as connection:
            logs = covering_logs(self.archive, read_live_binlogs(connection), since)
            return [str(transaction.gtid) for transaction in read_transactions(logs, since)]
