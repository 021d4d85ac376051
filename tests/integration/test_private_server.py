"""A server of our own: quick to start, out of everybody's reach, and nothing is left of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb import private_server
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.private_server import PrivateServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    # Longer than the path of a unix socket may be.
    folder = tmp_path_factory.mktemp("private") / ("long" * 30)
    with PrivateServer(folder, {"max_connections": 17}) as server:
        yield server
    assert not folder.exists()


def test_it_has_its_own_data_its_settings_and_no_network(server: PrivateServer) -> None:
    connection = connect(server.login)
    facts = fetch_all(connection, "SELECT @@datadir, @@max_connections, @@skip_networking, @@log_bin, @@port")
    assert facts == [(f"{server.datadir}/", 17, 1, 0, 0)]
    assert [name for (name,) in fetch_all(connection, "SHOW DATABASES")] == [
        *("information_schema", "mysql", "performance_schema", "sys"),
    ]
    connection.close()


def test_nobody_else_reaches_its_socket_or_its_data(server: PrivateServer) -> None:
    assert server.datadir.stat().st_mode & 0o077 == 0
    assert server.folder.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has powers to give up")
def test_it_has_no_power_over_files_of_others(server: PrivateServer) -> None:
    status = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    assert "CapEff:\t" + "0" * 16 in status


def test_statements_read_no_file_of_the_host(server: PrivateServer) -> None:
    connection = connect(server.login)
    assert fetch_all(connection, "SELECT LOAD_FILE('/etc/passwd')") == [(None,)]
    connection.close()


def test_killed_server_comes_back_with_its_data(tmp_path: Path) -> None:
    with PrivateServer(tmp_path / "server", {"innodb_page_size": 8192}) as server:
        connection = connect(server.login)
        assert fetch_all(connection, "SELECT @@innodb_page_size") == [(8192,)]
        execute(connection, "CREATE DATABASE kept")
        connection.close()
        assert server.wait_for_end(0) is None
        os.kill(server.pid, 9)
        assert server.wait_for_end(60) == -9
        server.kill()
        server.start()
        connection = connect(server.login)
        assert ("kept",) in fetch_all(connection, "SHOW DATABASES")
        connection.close()
    assert not server.folder.exists()


def test_another_process_goes_on_with_a_server_that_was_stopped(tmp_path: Path) -> None:
    first = PrivateServer(tmp_path / "server")
    first.start()
    connection = connect(first.login)
    execute(connection, "CREATE TABLE mysql.kept ENGINE=InnoDB SELECT 7 AS value")
    connection.close()
    first.stop()
    with PrivateServer(tmp_path / "server") as second:
        connection = connect(second.login)
        assert fetch_all(connection, "SELECT value FROM mysql.kept") == [(7,)]
        connection.close()


def test_never_started_server_has_no_process(tmp_path: Path) -> None:
    server = PrivateServer(tmp_path / "server")
    server.stop()
    assert (server.pid, server.wait_for_end(0)) == (0, None)


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"no_such_option": 1}, "ended with exit code"), ({"innodb_page_size": "x"}, "data directory could not be made")],
    ids=["server", "installation"],
)
def test_server_that_does_not_start_says_why_and_leaves_nothing(
    tmp_path: Path, settings: dict[str, int | str], why: str
) -> None:
    with pytest.raises(LifeboatError, match=why) as caught, PrivateServer(tmp_path / "server", settings):
        pytest.fail("it started")
    assert caught.value.error_code == "private_server_failed"
    assert not (tmp_path / "server").exists()


def test_server_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_server, "START_TIMEOUT_SECONDS", -1.0)
    with pytest.raises(LifeboatError, match="did not answer"), PrivateServer(tmp_path / "server"):
        pytest.fail("it answered")
