"""Sites made of files whose databases have Frappe's tables in a real server that counts how indexes are used."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.choice import Wanted
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.quarantine import Limits
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.run import SchemaRequest, run_schema
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.accounts import create_account
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier

from tests.cleanup_folder import make_bench
from tests.lab import MariaDBServer
from tests.lab.schema import DOCTYPES, OTHER_STATEMENTS, SEQUENCE_STATEMENT, DocType

SITE = "a.example"
PASSWORD = "site-password"
TABLES = ("DocField", "DocType", "Error Log", "Has Role", "ToDo", "User")
MADE_HERE = (
    DocType("Custom Field", {"dt": "Data", "fieldname": "Data", "search_index": "Check", "unique": "Check"}, 0),
    DocType("Property Setter", {"doc_type": "Data", "field_name": "Data", "property": "Data", "value": "Data"}, 0),
    DocType("Dynamic Link", {"link_doctype": "Data", "link_name": "Data"}, 0, child=True),
)
DAY_SECONDS = 86400.0


class SchemaSite:
    """A site whose schema is as Frappe makes it.

    Args:
        folder: An empty folder.
        server: The server.
        name: The name of the site; the first one of a bench is ``a.example``.
    """

    def __init__(self, folder: Path, server: MariaDBServer, name: str = SITE) -> None:
        self.folder = folder
        self.server = server
        self.name = name
        self.database = f"_{secrets.token_hex(8)}"
        self.bench: Bench = Bench(folder / "frappe-bench") if name != SITE else make_bench(folder)
        self.state_path = folder / "state"
        self.administrator = connect(server.login)
        quoted = quote_identifier(self.database)
        self.run(f"CREATE DATABASE {quoted} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        self.run(f"USE {quoted}")
        create_account(self.administrator, self.database, ["127.0.0.1", "localhost"], PASSWORD, self.database)
        self.bench.site(name).path.mkdir(exist_ok=True)
        self.configure()
        doctypes = [*(found for found in DOCTYPES if found.name in TABLES), *MADE_HERE]
        for doctype in doctypes:
            self.run(doctype.create_statement())
        self.run("ALTER TABLE tabDocType ADD is_virtual int(1) NOT NULL DEFAULT 0")
        self.run("ALTER TABLE tabDocField ADD search_index int(1) NOT NULL DEFAULT 0, ADD `unique` int(1) DEFAULT 0")
        for statement in (*OTHER_STATEMENTS, SEQUENCE_STATEMENT):
            self.run(statement)
        for doctype in doctypes:
            self.doctype(doctype.name, *doctype.fields, istable=int(doctype.child))
        self.doctype("Web Form List Column", istable=1)
        self.fields("DocType", "is_virtual")
        self.fields("DocField", "search_index", "unique")

    def configure(self, password: str = PASSWORD) -> None:
        """Write the site's configuration."""
        values = {"db_name": self.database, "db_password": password, "db_port": self.server.port}
        self.bench.site(self.name).config_path.write_text(json.dumps(values))

    def run(self, statement: str, *arguments: Any) -> int:
        """Run a statement as the administrator."""
        return execute(self.administrator, statement, arguments)

    def rows(self, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a statement of the administrator."""
        return fetch_all(self.administrator, statement, arguments)

    def doctype(self, name: str, *fields: str, **values: Any) -> None:
        """Make a DocType known, without its table."""
        columns = {"name": name, **values}
        marks = ", ".join(["%s"] * len(columns))
        self.run(f"INSERT INTO tabDocType ({', '.join(columns)}) VALUES ({marks})", *columns.values())
        self.fields(name, *fields)

    def fields(self, doctype: str, *names: str, **values: Any) -> None:
        """Give a DocType fields."""
        columns = {"parent": doctype, "parenttype": "DocType", "parentfield": "fields", **values}
        for name in names:
            found = {"name": secrets.token_hex(5), "fieldname": name, **columns}
            marks = ", ".join(["%s"] * len(found))
            self.run(f"INSERT INTO tabDocField ({', '.join(found)}) VALUES ({marks})", *found.values())

    def fill(self, rows: int) -> None:
        """Give it so many things to do, each with a reference of its own."""
        self.run("DELETE FROM tabToDo")
        self.run(
            "INSERT INTO tabToDo (name, status, reference_type, reference_name)"
            f" SELECT CONCAT('todo-', seq), 'Open', 'User', CONCAT('user-', seq) FROM seq_1_to_{rows}"
        )
        self.run("ANALYZE TABLE tabToDo")

    def is_ignored(self, index: str, table: str = "tabToDo") -> bool:
        """Tell whether an index is ignored."""
        rows = self.rows(
            "SELECT IGNORED FROM information_schema.STATISTICS"
            " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND INDEX_NAME = %s",
            *(self.database, table, index),
        )
        return bool(rows[0][0] == "YES")

    def has_index(self, index: str, table: str = "tabToDo") -> bool:
        """Tell whether there is an index."""
        return bool(self.rows(f"SHOW INDEX FROM `{table}` WHERE Key_name = %s", index))

    def request(self, state: str = "advised", *keys: tuple[str, str], **options: Any) -> SchemaRequest:
        """Return the request of a run that needs no history of the site's use."""
        candidates = options.pop("candidates", False)
        limits = Limits(**{"baseline_hours": 0.0, **options.pop("limits", {})})
        given = {"state_path": self.state_path, "benches": [self.bench], "sites": (self.name,), "root": self.folder}
        return SchemaRequest(**{**given, "wanted": Wanted(state, keys, candidates), "limits": limits, **options})

    def look(self, state: str = "advised", *keys: tuple[str, str], **options: Any) -> dict[str, Any]:
        """Look at the schema, and change what is asked for."""
        return run_schema(self.request(state, *keys, **options))

    def close(self) -> None:
        """Remove the database and the account."""
        self.run(f"DROP DATABASE IF EXISTS {quote_identifier(self.database)}")
        for host in ("127.0.0.1", "localhost"):
            self.run("DROP USER IF EXISTS %s@%s", self.database, host)
        self.administrator.close()


@contextmanager
def counting(server: MariaDBServer) -> Iterator[None]:
    """Let a server count how tables and indexes are used, for a while."""
    connection = connect(server.login)
    execute(connection, "SET GLOBAL userstat = ON")
    yield
    execute(connection, "SET GLOBAL userstat = OFF")
    connection.close()
