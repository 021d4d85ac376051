from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import ServerFacts
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.gathering import gather_tablespaces
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.schema import Schema, TableDefinition
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

FACTS = ServerFacts("10.11.19-MariaDB", "/var/lib/mysql/", "db", 3306, True, 16 << 20, 16384, 0)
TABLES = (
    TableDefinition("tabGL Entry", "InnoDB", "tabGL@0020Entry", "CREATE TABLE ..."),
    TableDefinition("__global_search", "MyISAM", "__global_search", "CREATE TABLE ..."),
)
NAMES = ["tabGL@0020Entry.ibd", "tabGL@0020Entry.cfg", "__global_search.MYD", "__global_search.MYI"]
SCHEMA = Schema("utf8mb4", "utf8mb4_unicode_ci", TABLES, (), (), ())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "_abc"
    folder.mkdir()
    for name in [*NAMES, "tabGL@0020Entry.frm", "FTS_0000_CONFIG.ibd", "db.opt"]:
        (folder / name).write_text(name)
    return folder


def test_files_of_the_tables_are_moved_and_described(source: Path, tmp_path: Path) -> None:
    tablespaces = gather_tablespaces(source, tmp_path / "tablespaces", "_abc", SCHEMA, FACTS)
    files = [file for table in tablespaces.tables for file in table.files]
    assert [(file.name, file.size_bytes, file.sha256) for file in files] == [
        (name, len(name), hashlib.sha256(name.encode()).hexdigest()) for name in NAMES
    ]
    assert {path.name: path.stat().st_mode & 0o777 for path in tablespaces.folder.iterdir()} == dict.fromkeys(
        NAMES, 0o600
    )
    assert (tablespaces.database, tablespaces.server_version, tablespaces.page_size_bytes) == (
        *("_abc", "10.11.19-MariaDB", 16384),
    )


def test_table_without_its_file_is_named(source: Path, tmp_path: Path) -> None:
    (source / "tabGL@0020Entry.cfg").unlink()
    with pytest.raises(LifeboatError, match=r"lacks the file tabGL@0020Entry\.cfg of its table tabGL Entry") as caught:
        gather_tablespaces(source, tmp_path / "tablespaces", "_abc", SCHEMA, FACTS)
    assert caught.value.error_code == "copy_failed"
