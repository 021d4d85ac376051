"""A real MariaDB server whose files of options lie in a folder of a test, and ``database_settings`` on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, fetch_all
from ansible_collections.lifeboat.frappe.plugins.modules import database_settings

from tests.lab.mariadb import MariaDBServer
from tests.modules import run_module

# What the server has from a file of its distribution, and what none of the tests leaves changed.
GIVEN = {
    "max_connections": "90",
    "innodb_log_file_size": "16777216",
    "innodb_flush_log_at_trx_commit": "2",
    "innodb_doublewrite": "OFF",
    "innodb_buffer_pool_size": "67108864",
    "sync_binlog": "0",
}

# What follows the load, of which other tests on this machine have a part.
FOLLOWS_LOAD = [
    "innodb_buffer_pool_size",
    "innodb_log_file_size",
    "max_connections",
    "max_heap_table_size",
    "table_definition_cache",
    "table_open_cache",
    "tmp_table_size",
]


@contextmanager
def configured_server(folder: Path) -> Iterator[MariaDBServer]:
    """Yield a server that reads ``GIVEN`` from a file of a folder of files of options."""
    options = folder / "options.d"
    options.mkdir()
    main_file = folder / "my.cnf"
    main_file.write_text(f"[client-server]\n!includedir {options}\n")
    lines = [f"{name} = {value}" for name, value in GIVEN.items()]
    (options / "50-server.cnf").write_text("\n".join(["[mariadbd]", *lines, ""]))
    with MariaDBServer(folder / "server", defaults_file=main_file, **dict.fromkeys(GIVEN)) as server:
        yield server


def absent_drop_in(server: MariaDBServer) -> Path:
    """Return where the file of options goes, without one there."""
    path = server.folder.parent / "options.d" / "90-lifeboat.cnf"
    path.unlink(missing_ok=True)
    return path


def run_settings_module(
    server: MariaDBServer, folder: Path, *, check_mode: bool = False, **options: Any
) -> dict[str, Any]:
    """Run the module on a host without a bench, its state in the folder ``state`` of the given one.

    What follows the load stays, unless the options say otherwise.
    """
    login = {name: value for name, value in asdict(server.login).items() if value is not None}
    given = {
        "search_paths": [str(folder / "no-bench")],
        "state_path": str(folder / "state"),
        "least_uptime_hours": 0,
        "keep": FOLLOWS_LOAD,
        "sample_seconds": 0,
        **login,
        **options,
    }
    return run_module(database_settings, check_mode=check_mode, **given)


def running_values(server: MariaDBServer) -> dict[str, str]:
    """Return what the running server has of ``GIVEN``."""
    connection = connect(server.login)
    try:
        found = dict(fetch_all(connection, "SHOW GLOBAL VARIABLES"))
    finally:
        connection.close()
    return {name: found[name] for name in GIVEN}
