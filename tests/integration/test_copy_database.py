"""Copying the tables of one database as files: everything that a site may hold, of one moment, and nothing else."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import (
    LoginOptions,
    connect,
    execute,
    fetch_all,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.load_target import LoadResult, LoadTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.private_server import PrivateServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import drop_database
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces import backup_program, copy
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.copy import (
    DatabaseCopy,
    copy_database,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.export import export_database
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.import_jobs import ImportSource
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.importer import import_tablespaces
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.tablespace_set import (
    TablespaceSet,
    read_tablespace_set,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.digests import file_digest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.lab import MariaDBServer

DATABASE = "_0123456789abcdef"
# Names that a filter which takes ``_`` or a prefix for a pattern would copy, too.
NEIGHBOURS = ("x0123456789abcdef", "_0123456789abcdef2", "_0123456789")
STATEMENTS = (
    "CREATE TABLE `tabSales Invoice` (`name` varchar(140) PRIMARY KEY, `total` decimal(21,9), KEY `total` (`total`))",
    "INSERT INTO `tabSales Invoice` SELECT CONCAT('SINV-', seq), seq / 3 FROM seq_1_to_2000",
    "CREATE TABLE `tabÄrger été/x` (`name` varchar(140) PRIMARY KEY)",
    "INSERT INTO `tabÄrger été/x` VALUES ('ß')",
    "CREATE TABLE `con` (`id` int AUTO_INCREMENT PRIMARY KEY)",
    "INSERT INTO `con` VALUES (41)",
    "CREATE TABLE `tabHelp` (`name` varchar(140) PRIMARY KEY, `text` text, FULLTEXT KEY `text` (`text`))",
    "INSERT INTO `tabHelp` VALUES ('a', 'the lifeboat is ready'), ('b', 'nothing')",
    "CREATE TABLE `parent` (`id` int PRIMARY KEY)",
    "INSERT INTO `parent` VALUES (1)",
    "CREATE TABLE `child` (`id` int PRIMARY KEY, `parent` int, `twice` int AS (`id` * 2) VIRTUAL, KEY (`twice`),"
    " `stored` int AS (`id` + 1) STORED, CONSTRAINT `belongs` FOREIGN KEY (`parent`) REFERENCES `parent` (`id`))",
    "INSERT INTO `child` (`id`, `parent`) VALUES (5, 1)",
    "CREATE TABLE `redundant` (`a` int) ROW_FORMAT=REDUNDANT SELECT 1 AS a",
    "CREATE TABLE `compact` (`a` int) ROW_FORMAT=COMPACT SELECT 1 AS a",
    "CREATE TABLE `compressed` (`a` text) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8 SELECT REPEAT('a', 9000) AS a",
    # What a migration leaves: columns that were added and dropped without writing a row again.
    "CREATE TABLE `tabMigrated` (`name` varchar(140) PRIMARY KEY, `gone` int, `kept` int)",
    "INSERT INTO `tabMigrated` VALUES ('before', 1, 2)",
    "ALTER TABLE `tabMigrated` ADD COLUMN `first` int DEFAULT 7 AFTER `name`, ALGORITHM=INSTANT",
    "ALTER TABLE `tabMigrated` DROP COLUMN `gone`, ALGORITHM=INSTANT",
    "INSERT INTO `tabMigrated` VALUES ('after', 8, 3)",
    "CREATE TABLE `__global_search` (`name` varchar(140), `content` text, FULLTEXT KEY (`content`)) ENGINE=MyISAM",
    "INSERT INTO `__global_search` VALUES ('a', 'something to find')",
    "CREATE TABLE `tabEmpty` (`name` varchar(140) PRIMARY KEY)",
    "CREATE SEQUENCE `task_id_seq` CACHE 10",
    "SELECT NEXTVAL(`task_id_seq`)",
    "CREATE VIEW `view` AS SELECT `name` FROM `tabSales Invoice`",
    "CREATE TRIGGER `filled` BEFORE INSERT ON `tabEmpty` FOR EACH ROW SET NEW.`name` = 'triggered'",
)


@pytest.fixture(scope="module")
def site(mariadb_server: MariaDBServer) -> Iterator[LoginOptions]:
    """A database with one table of each kind, and neighbours."""
    connection = connect(mariadb_server.login)
    for name in (DATABASE, *NEIGHBOURS):
        execute(connection, f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        execute(connection, f"CREATE TABLE `{name}`.`tabSecret` (`a` int) SELECT 1 AS a")
    execute(connection, f"USE `{DATABASE}`")
    execute(connection, "DROP TABLE `tabSecret`")
    for statement in STATEMENTS:
        execute(connection, statement)
    yield mariadb_server.login
    for name in (DATABASE, *NEIGHBOURS):
        drop_database(connection, name)
    connection.close()


@pytest.fixture(scope="module")
def copied(site: LoginOptions, tmp_path_factory: pytest.TempPathFactory) -> DatabaseCopy:
    return copy_database(site, DATABASE, tmp_path_factory.mktemp("copy") / "tablespaces")


def import_into(server: PrivateServer, tablespaces: TablespaceSet, database: str) -> LoadResult:
    connection = connect(server.login)
    schema = tablespaces.schema
    execute(connection, f"CREATE DATABASE `{database}` CHARACTER SET {schema.character_set} COLLATE {schema.collation}")
    connection.close()
    target = LoadTarget(server.login, database, server.login, "localhost", 2, False)
    return import_tablespaces(
        ImportSource(tablespaces, reads_all=True), target, server.datadir, ProgressReporter(), lambda: None
    )


def content(login: LoginOptions, database: str) -> dict[str, Any]:
    """Return what a database holds: how each table is created, with its next number, and a checksum of its rows."""
    connection = connect(login, database)
    names = [name for (name,) in fetch_all(connection, "SHOW TABLES") if name != "task_id_seq"]
    found: dict[str, Any] = {
        name: (
            fetch_all(connection, f"SHOW CREATE TABLE `{name}`")[0][1],
            fetch_all(connection, f"CHECKSUM TABLE `{name}` EXTENDED")[0][1],
        )
        for name in names
    }
    connection.close()
    return found


def test_every_kind_of_table_comes_back_as_it_was(site: LoginOptions, copied: DatabaseCopy, tmp_path: Path) -> None:
    with PrivateServer(tmp_path / "server") as server:
        result = import_into(server, copied.tablespaces, "_staged")
        assert content(server.login, "_staged") == content(site, DATABASE)
        assert (result.sequences, result.views, result.triggers) == (1, 1, 1)
        connection = connect(server.login, "_staged")
        assert fetch_all(connection, "SELECT `name` FROM `tabHelp` WHERE MATCH(`text`) AGAINST ('lifeboat')") == [
            ("a",)
        ]
        execute(connection, "INSERT INTO `tabEmpty` VALUES ('x')")
        assert fetch_all(connection, "SELECT * FROM `tabEmpty`") == [("triggered",)]
        execute(connection, "INSERT INTO `con` VALUES ()")
        assert fetch_all(connection, "SELECT MAX(`id`) FROM `con`") == [(42,)]
        # 1 was given out by the live server, which had cached up to 10.
        assert fetch_all(connection, "SELECT NEXTVAL(`task_id_seq`)") == [(11,)]
        connection.close()


def test_what_a_private_server_holds_is_taken_out_of_it(copied: DatabaseCopy, tmp_path: Path) -> None:
    with PrivateServer(tmp_path / "server") as server:
        import_into(server, copied.tablespaces, "_changed")
        connection = connect(server.login, "_changed")
        for statement in (
            "INSERT INTO `tabEmpty` VALUES ('x')",
            "INSERT INTO `__global_search` VALUES ('b', 'something else')",
            "ALTER TABLE `tabMigrated` ADD COLUMN `last` int, ALGORITHM=INSTANT",
            "UPDATE `con` SET `id` = 50",
        ):
            execute(connection, statement)
        connection.close()
        expected = content(server.login, "_changed")
        exported = export_database(server, "_changed", tmp_path / "exported")
        assert server.wait_for_end(0) is not None
    assert {path.name for path in exported.folder.iterdir()} == {
        file.name for table in exported.tables for file in table.files
    }
    with PrivateServer(tmp_path / "other") as server:
        import_into(server, exported, "_staged")
        assert content(server.login, "_staged") == expected
        connection = connect(server.login, "_staged")
        # As a clean table: nobody had it open.
        assert fetch_all(connection, "CHECK TABLE `__global_search`")[0][2:] == ("status", "OK")
        connection.close()


def test_database_without_tables_is_taken_out_as_well(tmp_path: Path) -> None:
    with PrivateServer(tmp_path / "server") as server:
        connection = connect(server.login)
        execute(connection, "CREATE DATABASE `_empty`")
        connection.close()
        exported = export_database(server, "_empty", tmp_path / "exported")
    assert (exported.tables, exported.size_bytes) == ((), 0)


def test_copy_names_its_moment(site: LoginOptions, copied: DatabaseCopy) -> None:
    assert copied.position is not None
    connection = connect(site)
    found = fetch_all(connection, "SELECT BINLOG_GTID_POS(%s, %s)", (copied.position.file, copied.position.offset))
    assert found == [(copied.position.gtid,)]
    connection.close()
    assert copied.recovery_point.endswith("Z")


def test_folder_holds_the_files_of_the_set_and_nothing_else(copied: DatabaseCopy) -> None:
    tablespaces = copied.tablespaces
    described = {file.name: file for table in tablespaces.tables for file in table.files}
    assert {path.name for path in tablespaces.folder.iterdir()} == set(described)
    for name, file in described.items():
        path = tablespaces.folder / name
        assert (path.stat().st_size, file_digest(path)) == (file.size_bytes, file.sha256)
        assert path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tablespaces.folder.parent.iterdir()] == ["tablespaces"]
    assert "tab@0Krger@0020@0pt@0p@002fx.ibd" in described
    assert "tabSecret.ibd" not in described


def test_description_is_read_back(copied: DatabaseCopy, tmp_path: Path) -> None:
    copied.tablespaces.describe(tmp_path / "schema.json")
    read = read_tablespace_set((tmp_path / "schema.json").read_bytes(), copied.tablespaces.folder)
    assert read == copied.tablespaces
    assert read.server_version.startswith("10.") or read.server_version.startswith("11.")
    assert {table.name: table.pages(read.page_size_bytes) for table in read.tables}["__global_search"] is None


def test_copy_is_made_again_when_a_table_changed_meanwhile(
    site: LoginOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(site, DATABASE)
    changes = ["ALTER TABLE `tabEmpty` ADD COLUMN `more` int", "TRUNCATE TABLE `tabEmpty`"]

    def copy_and_change(*arguments: Any, **options: Any) -> str:
        said = backup_program.copy_tables(*arguments, **options)
        if changes:
            execute(connection, changes.pop())
        return said

    monkeypatch.setattr(copy, "copy_tables", copy_and_change)
    copied = copy_database(site, DATABASE, tmp_path / "tablespaces")
    assert changes == []
    definition = next(table for table in copied.tablespaces.schema.tables if table.name == "tabEmpty")
    assert definition.create == fetch_all(connection, "SHOW CREATE TABLE `tabEmpty`")[0][1]
    connection.close()


def test_copy_is_given_up_when_tables_change_all_the_time(
    site: LoginOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(site, DATABASE)

    def fail_and_change(*_arguments: Any, **_options: Any) -> str:
        execute(connection, "TRUNCATE TABLE `tabEmpty`")
        raise LifeboatError("mariadb-backup ended: a table was altered", "copy_failed")

    monkeypatch.setattr(copy, "copy_tables", fail_and_change)
    with pytest.raises(LifeboatError, match=r"tabEmpty was created.*3 times") as caught:
        copy_database(site, DATABASE, tmp_path / "tablespaces")
    assert caught.value.error_code == "schema_changing"
    assert list(tmp_path.iterdir()) == []
    connection.close()


def test_damaged_page_of_the_live_server_is_never_in_a_set(
    site: LoginOptions, mariadb_server: MariaDBServer, tmp_path: Path
) -> None:
    connection = connect(site, DATABASE)
    execute(connection, "CREATE TABLE `broken` (`a` varchar(200)) SELECT REPEAT('a', 200) AS a FROM seq_1_to_1000")
    execute(connection, "FLUSH TABLES `broken` FOR EXPORT")
    execute(connection, "UNLOCK TABLES")
    with (mariadb_server.data_path / DATABASE / "broken.ibd").open("r+b") as file:
        file.seek(5 * 16384 + 200)
        file.write(b"rot")
    with pytest.raises(LifeboatError, match=r"(?s)mariadb-backup ended with exit code.*damaged") as caught:
        copy_database(site, DATABASE, tmp_path / "tablespaces")
    assert caught.value.error_code == "copy_failed"
    assert list(tmp_path.iterdir()) == []
    execute(connection, "DROP TABLE `broken`")
    connection.close()


def test_imported_table_that_the_program_leaves_out_is_copied_after_a_checkpoint(
    site: LoginOptions, mariadb_server: MariaDBServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(site, DATABASE)
    execute(connection, "CREATE TABLE `imported` LIKE `tabSales Invoice`")
    execute(connection, "ALTER TABLE `imported` DISCARD TABLESPACE")
    execute(connection, "FLUSH TABLES `tabSales Invoice` FOR EXPORT")
    folder = mariadb_server.data_path / DATABASE
    for ending in (".ibd", ".cfg"):
        shutil.copyfile(folder / f"tabSales@0020Invoice{ending}", folder / f"imported{ending}")
    execute(connection, "UNLOCK TABLES")
    execute(connection, "ALTER TABLE `imported` IMPORT TABLESPACE")
    copies: list[bool] = []

    def copy_without_it_at_first(*arguments: Any, **options: Any) -> str:
        said = backup_program.copy_tables(*arguments, **options)
        # It is left out already, unless the server had made a checkpoint of its own.
        if not copies:
            (arguments[3] / DATABASE / "imported.ibd").unlink(missing_ok=True)
        copies.append((arguments[3] / DATABASE / "imported.ibd").exists())
        return said

    monkeypatch.setattr(copy, "copy_tables", copy_without_it_at_first)
    copied = copy_database(site, DATABASE, tmp_path / "tablespaces")
    assert copies == [False, True]
    sizes = {table.name: table.size_bytes for table in copied.tablespaces.tables}
    assert sizes["imported"] == pytest.approx(sizes["tabSales Invoice"], abs=1000)
    execute(connection, "DROP TABLE `imported`")
    connection.close()


def test_copy_that_always_lacks_a_table_is_none(
    site: LoginOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy_nothing(*arguments: Any, **_options: Any) -> str:
        (arguments[3] / DATABASE).mkdir(parents=True)
        return ""

    monkeypatch.setattr(copy, "copy_tables", copy_nothing)
    monkeypatch.setattr(copy, "_force_checkpoint", lambda _connection: None)
    with pytest.raises(LifeboatError, match="leaves tables out") as caught:
        copy_database(site, DATABASE, tmp_path / "tablespaces")
    assert caught.value.error_code == "copy_failed"
    assert list(tmp_path.iterdir()) == []


def test_copy_that_nobody_wants_any_more_ends(
    site: LoginOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_listens() -> None:
        raise LifeboatError("The caller is gone.", "caller_gone")

    monkeypatch.setattr(backup_program, "WATCH_SECONDS", 0)
    with pytest.raises(LifeboatError, match="caller is gone"):
        copy_database(site, DATABASE, tmp_path / "tablespaces", watch=nobody_listens)
    assert list(tmp_path.iterdir()) == []


def test_copy_does_not_make_others_wait_for_a_lock_that_somebody_holds(
    site: LoginOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy, "LOCK_WAIT_SECONDS", 0)
    monkeypatch.setattr(backup_program, "WATCH_SECONDS", 0.05)
    holder = connect(site, DATABASE)
    execute(holder, "LOCK TABLES `tabEmpty` WRITE")
    with pytest.raises(LifeboatError, match="waited for a lock") as caught:
        copy_database(site, DATABASE, tmp_path / "tablespaces")
    assert caught.value.error_code == "copy_failed"
    holder.close()


def test_table_that_cannot_be_imported_is_refused_by_its_name(site: LoginOptions, tmp_path: Path) -> None:
    connection = connect(site, DATABASE)
    execute(connection, "CREATE TABLE `parted` (`a` int) PARTITION BY HASH (`a`) PARTITIONS 2")
    with pytest.raises(LifeboatError, match="parted cannot be imported that way, since it is partitioned") as caught:
        copy_database(site, DATABASE, tmp_path / "tablespaces")
    assert caught.value.error_code == "physical_unsupported"
    execute(connection, "DROP TABLE `parted`")
    connection.close()


def test_server_on_another_host_is_refused(site: LoginOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy, "local_datadir", lambda _facts: None)
    with pytest.raises(LifeboatError, match="cannot read its data directory") as caught:
        copy_database(site, DATABASE, tmp_path / "tablespaces")
    assert caught.value.error_code == "server_not_local"


def test_writes_go_on_and_all_tables_are_of_one_moment(site: LoginOptions, tmp_path: Path) -> None:
    """The moment is that of the position: what was written before it is in the copy, in tables of MyISAM, too."""
    connection = connect(site, DATABASE)
    for table, engine in (("first", "InnoDB"), ("second", "InnoDB"), ("unsafe", "MyISAM")):
        execute(connection, f"CREATE TABLE `{table}` (`id` int PRIMARY KEY) ENGINE={engine}")
    ending = threading.Event()

    def write() -> int:
        with contextlib.closing(connect(site, DATABASE)) as writer:
            for number in itertools.count():
                if ending.is_set():
                    return number
                execute(writer, "BEGIN")
                for table in ("first", "second"):
                    execute(writer, f"INSERT INTO `{table}` VALUES (%s)", (number,))
                execute(writer, "COMMIT")
                execute(writer, "INSERT INTO `unsafe` VALUES (%s)", (number,))
        raise AssertionError

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            copied = copy_database(site, DATABASE, tmp_path / "tablespaces")
        finally:
            ending.set()
        written = writing.result()
    with PrivateServer(tmp_path / "server") as server:
        rows = import_into(server, copied.tablespaces, "_staged").rows
    assert copied.position is not None
    events = fetch_all(connection, f"SHOW BINLOG EVENTS IN '{copied.position.file}' FROM {copied.position.offset}")
    for table in ("first", "second"):
        assert rows[table] + sum(event[2] == "Xid" for event in events) == written
    # A statement on MyISAM ends with a COMMIT in words.
    assert rows["unsafe"] + sum(event[5] == "COMMIT" for event in events) == written
    for table in ("first", "second", "unsafe"):
        execute(connection, f"DROP TABLE `{table}`")
    connection.close()


def test_database_with_an_unusual_name_is_copied(site: LoginOptions, tmp_path: Path) -> None:
    connection = connect(site)
    execute(connection, "CREATE DATABASE `my db-ä.x`")
    execute(connection, "CREATE TABLE `my db-ä.x`.`t` (`a` int) SELECT 1 AS a")
    try:
        copied = copy_database(site, "my db-ä.x", tmp_path / "tablespaces")
    finally:
        drop_database(connection, "my db-ä.x")
        connection.close()
    assert [file.name for file in copied.tablespaces.tables[0].files] == ["t.ibd", "t.cfg"]
