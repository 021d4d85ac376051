"""A few files that stand for those of tables, with their description."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.schema import (
    Schema,
    TableDefinition,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.tablespace_set import (
    TableFiles,
    TablespaceFile,
    TablespaceSet,
)

CONTENTS = {"tabUser.ibd": b"page" * 8192, "tabUser.cfg": b"cfg", "tabLog.MYD": b"", "tabLog.MYI": b"index"}


def tables_in(folder: Path) -> TablespaceSet:
    """Write the files into a new folder and describe them."""
    folder.mkdir()
    files = {}
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
        files[name] = TablespaceFile(name, len(content), hashlib.sha256(content).hexdigest())
    definitions = (
        TableDefinition("tabUser", "InnoDB", "tabUser", "CREATE TABLE `tabUser` (`a` int)"),
        TableDefinition("tabLog", "MyISAM", "tabLog", "CREATE TABLE `tabLog` (`a` int)"),
    )
    tables = (
        TableFiles("tabUser", "InnoDB", (files["tabUser.ibd"], files["tabUser.cfg"])),
        TableFiles("tabLog", "MyISAM", (files["tabLog.MYD"], files["tabLog.MYI"])),
    )
    schema = Schema("utf8mb4", "utf8mb4_unicode_ci", definitions, (), (), ())
    return TablespaceSet(folder, "_1", schema, tables, "10.11.19-MariaDB", 16384)
