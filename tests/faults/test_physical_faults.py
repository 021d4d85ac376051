"""Physical sets that were cut, changed or made to do harm, and servers and disks that fail while one is imported."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import read_manifest, write_manifest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb import loader_pool
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.loader_session import LoadSession
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.private_server import PrivateServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.import_jobs import ImportJob
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import space
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import staging_database as staging_database_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.base_load import CONNECTIONS_LIMIT
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.tablespace_source import TablespaceSource
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.digests import file_digest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.placing import Ownership, copy_file
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter
from ansible_collections.lifeboat.frappe.plugins.modules import staging_database

from tests.lab.lab import Lab
from tests.lab.processes import wait_until
from tests.modules import run_module
from tests.physical_sets import begin_physical, write_physical_set

SITE = "alpha.localhost"
NAME = "20261121_034508-alpha_localhost"
PROVEN = "2026-11-21T03:50:00Z"
PAGE_BYTES = 16384


@pytest.fixture(scope="module")
def fault_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("physical-faults")
    with Lab(folder, services=False) as lab:
        yield lab
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def whole_set(fault_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_physical_set(fault_lab, SITE, tmp_path_factory.mktemp("whole") / SITE, NAME, proven_at=PROVEN)


@pytest.fixture
def copied_set(whole_set: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole_set, tmp_path / SITE / NAME))


def traces(lab: Lab) -> dict[str, Any]:
    """Everything that a failed load must leave as it was: databases, accounts, folders, live data, the server."""
    with closing(connect(lab.login)) as connection:
        live = lab.site_config(SITE)["db_name"]
        tables = fetch_all(connection, f"SHOW FULL TABLES FROM `{live}` WHERE Table_type = 'BASE TABLE'")
        names = ", ".join(f"`{live}`.`{table[0]}`" for table in tables)
        return {
            "databases": fetch_all(connection, "SHOW DATABASES"),
            "accounts": fetch_all(connection, "SELECT User, Host FROM mysql.user ORDER BY 1, 2"),
            "folders": sorted(path.name for path in lab.mariadb.data_path.iterdir() if path.is_dir()),
            "live": fetch_all(connection, f"CHECKSUM TABLE {names}"),
            "process": lab.mariadb.process.pid if lab.mariadb.process else None,
        }


def uptime_seconds(lab: Lab) -> int:
    with closing(connect(lab.login)) as connection:
        return int(fetch_all(connection, "SHOW GLOBAL STATUS LIKE 'Uptime'")[0][1])


@contextmanager
def nothing_left(lab: Lab, state_path: Path) -> Iterator[None]:
    """Hold a failing load to its promise: the server was never away, and nothing of the load is there."""
    before, up_seconds = traces(lab), uptime_seconds(lab)
    yield
    assert traces(lab) == before
    assert uptime_seconds(lab) >= up_seconds
    assert not list(state_path.glob(f"{SITE}/*/scratch"))


def largest_table(folder: Path) -> Path:
    return max((folder / "tablespaces").glob("*.ibd"), key=lambda path: path.stat().st_size)


def accept_changes(folder: Path) -> None:
    """Let the manifest and the description say what the files are now: they were wrong when they were backed up."""
    manifest = read_manifest(folder)
    (description,) = folder.glob("*-schema.json")
    values = json.loads(description.read_text())
    for file in (file for table in values["tables"] for file in table["files"]):
        path = folder / "tablespaces" / file["name"]
        file.update(size_bytes=path.stat().st_size, sha256=file_digest(path))
    description.write_text(json.dumps(values))
    files = tuple(
        replace(file, size_bytes=(folder / file.path).stat().st_size, sha256=file_digest(folder / file.path))
        for file in manifest.files
    )
    write_manifest(folder, replace(manifest, files=files, proven_at=""))


def flip(path: Path, generator: random.Random) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    path.write_bytes(content)


@pytest.mark.promise(4)
@pytest.mark.parametrize("pages", [1, 3], ids=["its last page", "three pages"])
def test_a_tablespace_cut_at_a_page_never_enters_the_data_directory(
    fault_lab, copied_set, tmp_path, monkeypatch, pages
):
    path = largest_table(copied_set)
    os.truncate(path, path.stat().st_size - pages * PAGE_BYTES)
    checked = subprocess.run(["innochecksum", path], check=False, capture_output=True)
    assert checked.returncode == 0, "MariaDB's own check finds such a cut, so this test shows nothing"
    created: list[bytes] = []
    define = LoadSession.define

    def noted(self: LoadSession, statement: bytes, *arguments: Any) -> None:
        created.append(statement)
        define(self, statement, *arguments)

    monkeypatch.setattr(LoadSession, "define", noted)
    options = begin_physical(fault_lab, SITE, copied_set, tmp_path / "state")
    with nothing_left(fault_lab, tmp_path / "state"):
        failed = run_module(staging_database, **options)
    assert (failed["failed"], failed["error_code"]) == (True, "artifact_truncated")
    assert path.name in failed["msg"]
    assert created == []


@pytest.mark.promise(1)
@pytest.mark.parametrize("archived", [False, True], ids=["files", "archive"])
def test_a_cut_file_of_a_set_leaves_nothing_behind(fault_lab, whole_set, tmp_path, archived):
    if archived:
        folder = write_physical_set(
            fault_lab, SITE, tmp_path / SITE, NAME, proven_at=PROVEN, archived=True, compressed=True
        )
        path = next(folder.glob("*-tablespaces.tar.zst"))
    else:
        folder = Path(shutil.copytree(whole_set, tmp_path / SITE / NAME))
        path = largest_table(folder)
    whole = path.read_bytes()
    lengths = [len(whole) * part // 16 for part in range(16)] if archived else [0, len(whole) // 2]
    options = begin_physical(fault_lab, SITE, folder, tmp_path / "state")
    with nothing_left(fault_lab, tmp_path / "state"):
        for length in [*lengths, len(whole) - 16, len(whole) - 1]:
            path.write_bytes(whole[:length])
            failed = run_module(staging_database, **options)
            assert failed["failed"], length
            assert failed["error_code"] in ("artifact_truncated", "artifact_corrupt"), (length, failed["msg"])


@pytest.mark.promise(3)
def test_no_flipped_bit_of_a_set_becomes_data(copied_set, tmp_path):
    files = sorted(path for path in copied_set.rglob("*") if path.is_file() and path.stat().st_size)
    with TablespaceSource.of_set(copied_set).opened(tmp_path / "scratch", ProgressReporter()) as loadable:
        original = loadable.source.tablespaces
    owner = Ownership(os.getuid(), os.getgid(), 0o600)

    def accepted(changed: Path) -> bool:
        """Tell whether the set would be loaded, which must be with the very bytes that were backed up."""
        with TablespaceSource.of_set(copied_set).opened(tmp_path / "scratch", ProgressReporter()) as loadable:
            assert loadable.source.tablespaces == original
            for file in (file for table in original.tables for file in table.files if file.name == changed.name):
                copy_file(changed, tmp_path / "copy", owner, file.sha256)
        return True

    for seed in range(500):
        generator = random.Random(seed)
        path = generator.choice(files)
        content = path.read_bytes()
        flip(path, generator)
        with suppress(LifeboatError):
            assert accepted(path)
            assert path.parent == copied_set, "a table with another content was taken"
            assert "schema" not in path.name, "a description with another content was taken"
        path.write_bytes(content)


@pytest.mark.promise(3)
@pytest.mark.parametrize("pattern", ["*.ibd", "*.cfg", "*.MYD", "*-schema.json"])
def test_a_changed_file_leaves_nothing_behind(fault_lab, copied_set, tmp_path, pattern):
    path = max(copied_set.rglob(pattern), key=lambda path: path.stat().st_size)
    flip(path, random.Random(7))
    options = begin_physical(fault_lab, SITE, copied_set, tmp_path / "state")
    with nothing_left(fault_lab, tmp_path / "state"):
        failed = run_module(staging_database, **options)
    assert (failed["failed"], failed["error_code"]) == (True, "artifact_corrupt")
    assert path.name in failed["msg"]


def cut_pages(folder: Path) -> None:
    path = largest_table(folder)
    os.truncate(path, path.stat().st_size // PAGE_BYTES // 8 * PAGE_BYTES)


def exchange_tables(folder: Path) -> None:
    first, second = (folder / "tablespaces" / name for name in ("tabToDo.ibd", "tabUser.ibd"))
    shutil.copyfile(first, second)


def zero_pages(folder: Path) -> None:
    path = largest_table(folder)
    with path.open("r+b") as stream:
        stream.seek(PAGE_BYTES * 4)
        stream.write(bytes(PAGE_BYTES * 4))


@pytest.mark.promise(4)
@pytest.mark.parametrize("spoil", [cut_pages, exchange_tables, zero_pages], ids=["cut", "another table", "zeros"])
def test_tables_that_were_backed_up_wrong_are_met_by_a_private_server_alone(fault_lab, copied_set, tmp_path, spoil):
    spoil(copied_set)
    accept_changes(copied_set)
    options = begin_physical(fault_lab, SITE, copied_set, tmp_path / "state")
    log = fault_lab.mariadb.error_log_path
    log_bytes = log.stat().st_size
    with nothing_left(fault_lab, tmp_path / "state"):
        failed = run_module(staging_database, **options)
    assert failed["failed"]
    assert failed["error_code"] in ("proof_failed", "mariadb_statement_failed"), failed["msg"]
    assert b"IMPORT" not in log.read_bytes()[log_bytes:].upper()


def test_what_a_killed_import_left_is_dropped(fault_lab, whole_set, tmp_path):
    options = begin_physical(fault_lab, SITE, whole_set, tmp_path / "state")
    before = traces(fault_lab)
    left = "_00000000deadbeef"
    with closing(connect(fault_lab.login)) as connection:
        execute(connection, f"CREATE DATABASE `{left}`")
        for table in ("tabToDo", "tabUser"):
            execute(connection, f"CREATE TABLE `{left}`.`{table}` (a int PRIMARY KEY) ENGINE=InnoDB")
            execute(connection, f"ALTER TABLE `{left}`.`{table}` DISCARD TABLESPACE")
    for name in ("tabToDo.ibd", "tabToDo.cfg", "tabUser.ibd.BAK", "tabUser.cfg.BAK"):
        (fault_lab.mariadb.data_path / left / name).write_bytes(b"part of a file")
    journal = Journal.open(tmp_path / "state", SITE, options["recovery"])
    journal.append("staging_database", "named", staging_database=left)
    assert run_module(staging_database, state="absent", **options)["plan"]["drops"] == left
    assert traces(fault_lab) == before


@pytest.mark.promise(4)
def test_a_private_server_that_tables_kill_is_all_that_they_kill(fault_lab, copied_set, tmp_path, monkeypatch):
    write_manifest(copied_set, replace(read_manifest(copied_set), proven_at=""))
    options = begin_physical(fault_lab, SITE, copied_set, tmp_path / "state")
    servers: list[PrivateServer] = []
    start, define = PrivateServer.start, LoadSession.define

    def remembered(self: PrivateServer) -> None:
        servers.append(self)
        start(self)

    def killing(self: LoadSession, statement: bytes, *arguments: Any) -> None:
        if b"IMPORT TABLESPACE" in statement:
            os.kill(servers[0].pid, signal.SIGKILL)
        define(self, statement, *arguments)

    monkeypatch.setattr(PrivateServer, "start", remembered)
    monkeypatch.setattr(LoadSession, "define", killing)
    with nothing_left(fault_lab, tmp_path / "state"):
        failed = run_module(staging_database, **options)
    assert (failed["failed"], failed["error_code"]) == (True, "proof_failed")
    assert "exit code -9" in failed["msg"]


@pytest.mark.promise(9)
def test_a_large_file_is_not_copied_to_its_end_when_the_disk_is_given_up(fault_lab, whole_set, tmp_path, monkeypatch):
    """The watch says so when the first piece was written; the copy must notice, since the server is not asked."""
    options = begin_physical(fault_lab, SITE, whole_set, tmp_path / "state")
    original, pieces = ImportJob._count_bytes, itertools.count()

    def is_given_up(job: ImportJob) -> bool:
        try:
            job._go_on()
        except LifeboatError:
            return True
        return False

    def wait_for_the_watch(self: ImportJob, size_bytes: int) -> None:
        next(pieces)
        wait_until(lambda: is_given_up(self), "the watch")
        original(self, size_bytes)

    monkeypatch.setattr(staging_database_run, "require_space", lambda *_arguments: None)
    monkeypatch.setattr(ImportJob, "_count_bytes", wait_for_the_watch)
    monkeypatch.setattr(space, "free_bytes", lambda _path: 0)
    with nothing_left(fault_lab, tmp_path / "state"):
        ended = run_module(staging_database, **{**options, "reserve_bytes": 1})
    assert (ended["failed"], ended["error_code"]) == (True, "disk_space")
    assert next(pieces) <= CONNECTIONS_LIMIT


@pytest.mark.promise(12)
def test_a_server_killed_during_the_import_is_told_and_a_rerun_is_clean(fault_lab, whole_set, tmp_path, monkeypatch):
    """The live tables, whose ids the files still bear, were written to since the last checkpoint of the redo log."""
    options = begin_physical(fault_lab, SITE, whole_set, tmp_path / "state")
    with closing(fault_lab.connect(SITE)) as connection:
        columns = "SELECT TABLE_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND"
        for (table,) in fetch_all(connection, f"{columns} COLUMN_NAME = 'docstatus'"):
            execute(connection, f"UPDATE `{table}` SET docstatus = 1 - docstatus LIMIT 1")
    before = traces(fault_lab)
    define, imports = LoadSession.define, itertools.count()

    def kill_first(self: LoadSession, statement: bytes, *arguments: Any) -> None:
        if b"IMPORT TABLESPACE" in statement and next(imports) == 20:
            fault_lab.mariadb.kill()
        define(self, statement, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(LoadSession, "define", kill_first)
        failed = run_module(staging_database, **options)
    assert (failed["failed"], failed["error_code"]) == (True, "mariadb_lost")
    fault_lab.mariadb.start()
    assert traces(fault_lab)["live"] == before["live"]

    planned = run_module(staging_database, check_mode=True, **options)
    assert planned["plan"]["drops"]
    staged = run_module(staging_database, **options)
    assert not staged["failed"], staged
    assert run_module(staging_database, state="absent", **options)["changed"]
    after = traces(fault_lab)
    assert {**after, "process": 0} == {**before, "process": 0}


@pytest.mark.promise(9)
def test_an_import_that_would_use_the_reserve_is_refused_or_ended(fault_lab, whole_set, tmp_path, monkeypatch):
    options = begin_physical(fault_lab, SITE, whole_set, tmp_path / "state")
    free_bytes = shutil.disk_usage(fault_lab.mariadb.data_path).free
    with nothing_left(fault_lab, tmp_path / "state"):
        refused = run_module(staging_database, **{**options, "reserve_bytes": 2 * free_bytes})
        assert (refused["failed"], refused["error_code"]) == (True, "disk_space")
        assert "Nothing was created" in refused["msg"]

        define, hit = LoadSession.define, threading.Event()

        def eat(self: LoadSession, statement: bytes, *arguments: Any) -> None:
            if b"IMPORT TABLESPACE" in statement:
                hit.set()
            define(self, statement, *arguments)

        monkeypatch.setattr(LoadSession, "define", eat)
        monkeypatch.setattr(space, "free_bytes", lambda _path: 0 if hit.is_set() else 1 << 60)
        monkeypatch.setattr(loader_pool, "WATCH_INTERVAL_SECONDS", 0.001)
        ended = run_module(staging_database, **{**options, "reserve_bytes": 1 << 20})
    assert (ended["failed"], ended["error_code"]) == (True, "disk_space")
    assert "Gave up" in ended["msg"]
