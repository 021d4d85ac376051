"""A bench made of files whose site has log tables in a real server, with rows as old as a test wants them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import chosen_ages, chosen_tasks
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Caps
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.planning import CleanupRequest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.accounts import create_account
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all

from tests.cleanup_folder import make_bench
from tests.lab import MariaDBServer
from tests.lab.schema import DOCTYPES, OTHER_STATEMENTS, DocType

SITE = "a.example"
PASSWORD = "site-password"
TABLES = ("Email Queue", "Error Log", "Version", "View Log")
RECIPIENTS = DocType("Email Queue Recipient", {"recipient": "Data", "status": "Data"}, 0, child=True)
LOGS_TO_CLEAR = DocType("Logs To Clear", {"ref_doctype": "Data", "days": "Int"}, 0, child=True)


class LogSite:
    """A site with logs.

    Args:
        folder: An empty folder.
        server: The server.
        database: An empty database of it.
    """

    def __init__(self, folder: Path, server: MariaDBServer, database: str) -> None:
        self.folder = folder
        self.server = server
        self.database = database
        self.bench: Bench = make_bench(folder)
        self.now = time.time()
        self.administrator = connect(server.login, database)
        create_account(self.administrator, database, ["127.0.0.1", "localhost"], PASSWORD, database)
        self.configure(PASSWORD)
        for doctype in [*(found for found in DOCTYPES if found.name in TABLES), RECIPIENTS, LOGS_TO_CLEAR]:
            execute(self.administrator, doctype.create_statement())
        for statement in OTHER_STATEMENTS:
            if "tabSessions" in statement or "tabSingles" in statement:
                execute(self.administrator, statement)

    def configure(self, password: str) -> None:
        """Write the site's configuration."""
        values = {"db_name": self.database, "db_password": password, "db_port": self.server.port}
        self.bench.site(SITE).config_path.write_text(json.dumps(values))

    def moment(self, age_days: float) -> str:
        """Return the time so many days ago, as the server writes it."""
        return str(datetime.fromtimestamp(self.now, timezone.utc).replace(tzinfo=None) - timedelta(days=age_days))

    def insert(self, doctype: str, names: Iterable[str], age_days: float, **values: Any) -> None:
        """Insert rows that were written so many days ago."""
        columns = {"creation": self.moment(age_days), "modified": self.moment(age_days), **values}
        statement = (
            f"INSERT INTO `tab{doctype}` (name, {', '.join(columns)}) VALUES ({', '.join(['%s'] * (1 + len(columns)))})"
        )
        with self.administrator.cursor() as cursor:
            cursor.executemany(statement, [(name, *columns.values()) for name in names])

    def names(self, doctype: str) -> list[str]:
        """Return the names of the rows."""
        return [
            str(name) for (name,) in fetch_all(self.administrator, f"SELECT name FROM `tab{doctype}` ORDER BY name")
        ]

    def request(self, rules: dict[str, Any], **changes: Any) -> CleanupRequest:
        """Return the request of a cleanup that looks at no pressure of this host."""
        given: dict[str, Any] = {
            "state_path": self.folder / "state",
            "benches": [self.bench],
            "ages": chosen_ages(rules),
            "caps": Caps(10**12, 100),
            "timeout_seconds": 600,
            "protected": (),
            "quarantine": False,
            "grace_days": 7,
            "now": self.now,
            "tasks": chosen_tasks(rules),
            "root": self.folder,
        }
        return CleanupRequest(**{**given, **changes})

    def clean(self, rules: dict[str, Any], check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        """Clean up."""
        return run_clean(self.request(rules, **changes), None, check_mode)

    def close(self) -> None:
        """Remove what the database alone does not take with it."""
        for host in ("127.0.0.1", "localhost"):
            execute(self.administrator, "DROP USER IF EXISTS %s@%s", (self.database, host))
        self.administrator.close()
