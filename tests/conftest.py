"""What tests of every kind share: servers, the embedded bench, real backups."""

from __future__ import annotations

import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `tests.lab` is importable however pytest was started

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute  # noqa: E402
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier  # noqa: E402

from tests.lab import Lab, MariaDBServer, RedisServer  # noqa: E402

# What takes longest begins first: otherwise one of two processes has nothing to do while the other ends such a file.
LONG_FILES = (
    *("test_recover_playbook", "test_health_playbook", "test_audit_playbook", "test_diagnose_playbook"),
    *("test_recovery_neighbour", "test_recovery_load_killed", "test_recovery_secrets", "test_diagnosis"),
    *("test_watched_action", "test_hostile_artifacts", "test_recovery_cases", "test_report_role", "test_large_dump"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of long files first, in the order of their list; all others stay as they are."""
    items.sort(key=lambda item: LONG_FILES.index(item.path.stem) if item.path.stem in LONG_FILES else len(LONG_FILES))


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    """One server for the whole session of one worker."""
    folder = tmp_path_factory.mktemp("mariadb-server")
    with MariaDBServer(folder) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def row_log_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    """A server that logs rows, durably; each test begins its binary logs anew."""
    folder = tmp_path_factory.mktemp("row-log-server")
    with MariaDBServer(folder, binlog_format="ROW", sync_binlog=1) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def database(mariadb_server: MariaDBServer) -> Iterator[str]:
    """The name of an empty database of Frappe's kind, dropped after the test."""
    name = f"_{secrets.token_hex(8)}"
    connection = connect(mariadb_server.login)
    execute(connection, f"CREATE DATABASE {quote_identifier(name)} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    yield name
    execute(connection, f"DROP DATABASE IF EXISTS {quote_identifier(name)}")
    connection.close()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """An empty Redis server."""
    with RedisServer(tmp_path / "redis-server") as server:
        yield server


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A whole bench with two sites, for the tests of one module; a test that destroys it makes its own ``Lab``."""
    folder = tmp_path_factory.mktemp("lab")
    with Lab(folder) as lab:
        yield lab
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def real_backups() -> Path:
    """The folder with backups of a real Frappe site, where it is there beside the checkout."""
    folder = ROOT.parent / "shared" / "data" / "backups"
    if not folder.is_dir():
        pytest.skip(f"real backups are not there: {folder}")
    return folder
