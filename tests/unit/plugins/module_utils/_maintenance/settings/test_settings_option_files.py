"""``option_files`` and ``surroundings``: where a server reads its options, and what it makes of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.processes import Process
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Target
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.host_memory import BenchesOfHost
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.option_files import (
    ServerProgram,
    find_place,
    is_in_container,
    overridden,
    require_understood,
    server_program,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.surroundings import (
    at_hand,
    find_server,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.fake_host import FakeHost
from tests.server_doubles import ServerDouble

PROGRAM = ServerProgram("/usr/sbin/mariadbd", (), ())
FILES_LINE = "Default options are read from the following files in the given order:"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "root")


def test_program_of_a_process(host: FakeHost) -> None:
    folder = host.process(7, "mariadbd", "--defaults-file=/x.cnf", "--user=mysql", "--port=3307")
    (process,) = host.target().processes
    assert server_program(host.target(), process).path == "mariadbd"
    (folder / "exe").symlink_to("/usr/sbin/mariadbd (deleted)")
    program = server_program(host.target(), process)
    assert program == ServerProgram("/usr/sbin/mariadbd", ("--defaults-file=/x.cnf",), ("--user=mysql", "--port=3307"))


def test_process_with_another_root_is_in_a_container(host: FakeHost, tmp_path: Path) -> None:
    process = Process(7, 1, 0, ("mariadbd",), None)
    assert not is_in_container(host.target(), process)
    folder = host.process(7, "mariadbd")
    (folder / "root").symlink_to(host.root)
    assert not is_in_container(host.target(), process)
    (folder / "root").unlink()
    (folder / "root").symlink_to(tmp_path)
    assert is_in_container(host.target(), process)


def test_place_is_the_folder_that_is_read_last(host: FakeHost, tmp_path: Path) -> None:
    first, last = tmp_path / "first.d", tmp_path / "last.d"
    first.mkdir()
    last.mkdir()
    inner = tmp_path / "inner.cnf"
    inner.write_text(f"!includedir {last}\n!include {inner}\n!includedir {tmp_path}/missing\n")
    main = tmp_path / "my.cnf"
    main.write_text(f"[mysqld]\nport=1\n!includedir {first}\n!include {inner}\n")
    host.answer("mariadbd", f"intro\n{FILES_LINE}\n/missing.cnf {main} ~/.my.cnf \nmore\n")
    assert find_place(PROGRAM, host.run).path == last / "90-lifeboat.cnf"
    ((path, datadir, *others),) = host.commands
    assert (path, others) == ("/usr/sbin/mariadbd", ["--help", "--verbose"])
    # The server's own data directory is left alone, and nothing stays of the other one.
    assert datadir.startswith("--datadir=/")
    assert not Path(datadir.partition("=")[2]).exists()
    main.write_text("[mysqld]\n")
    place = find_place(PROGRAM, host.run)
    assert place.path is None
    assert f"/missing.cnf, {main}, ~/.my.cnf) includes a folder" in place.reason


def test_server_that_names_no_file_has_no_place(host: FakeHost) -> None:
    host.answer("mariadbd", "something else")
    assert "(none)" in find_place(PROGRAM, host.run).reason
    place = find_place(ServerProgram("mariadbd", ("--no-defaults",), ()), host.run)
    assert (place.path, "--no-defaults" in place.reason) == (None, True)


@pytest.mark.parametrize(
    ("exit_code", "error_output", "reason"),
    [
        (7, "2026-11-21 0 [ERROR] mariadbd: unknown variable 'x=1'\n", "unknown variable"),
        (0, "0 [Warning] option 'max_connections': unsigned value 1 adjusted to 10\n", "adjusted to 10"),
        (0, "0 [Warning] mariadbd: ignoring option '--x' due to invalid value 'y'\n", "ignoring option"),
        (3, "", "exit code 3"),
    ],
    ids=["unknown", "adjusted", "ignored", "silent"],
)
def test_complaint_of_the_server_refuses_a_file(host: FakeHost, exit_code: int, error_output: str, reason: str) -> None:
    host.answer("mariadbd", "", exit_code, error_output)
    with pytest.raises(LifeboatError, match=reason) as refused:
        require_understood(PROGRAM, "[mariadbd]\n", host.run)
    assert refused.value.error_code == "settings_refused"


def test_file_that_the_server_understands() -> None:
    texts = []

    def run(arguments: Sequence[str]) -> CommandResult:
        path = Path(arguments[1].partition("=")[2])
        texts.append(path.read_text())
        return CommandResult(tuple(arguments), 0, "", "0 [Warning] Could not open mysql.plugin table\n")

    require_understood(PROGRAM, "[mariadbd]\nmax_connections = 30\n", run)
    assert texts == ["[mariadbd]\nmax_connections = 30\n"]


def test_what_a_restart_will_not_bring_is_named(host: FakeHost) -> None:
    host.answer(
        "mariadbd",
        "would have been started with\n"
        "--max_connections=300 --sync-binlog=1 --port=1 --sync-binlog=0 --innodb_doublewrite=1 --table_open_cache=x\n",
    )
    program = ServerProgram("mariadbd", (), ("--user=x", "--innodb_doublewrite=OFF", "--max-connections=300"))
    values = {
        "max_connections": "300",
        "sync_binlog": "1",
        "innodb_doublewrite": "ON",
        "tmp_table_size": "16777216",
        "table_open_cache": "2000",
    }
    assert overridden(program, values, host.run) == {
        "sync_binlog": "a file of options that is read later sets it again",
        "tmp_table_size": "the server does not read this file",
        "innodb_doublewrite": "the command line of the server sets it again",
        "table_open_cache": "a file of options that is read later sets it again",
    }


def server_of(host: FakeHost, address: str = "127.0.0.1") -> ServerDouble:
    variables = {"datadir": "/data/", "pid_file": "/run/mariadb.pid"}
    return ServerDouble(variables=variables, host=address, surroundings=host.surroundings)


def test_one_server_is_found_with_its_process_and_place(host: FakeHost, tmp_path: Path) -> None:
    folder = tmp_path / "options.d"
    folder.mkdir()
    (tmp_path / "my.cnf").write_text(f"!includedir {folder}\n")
    host.answer("mariadbd", f"{FILES_LINE}\n{tmp_path / 'my.cnf'}\n")
    host.write("/run/mariadb.pid", "7\n")
    host.process(7, "mariadbd")
    targets: list[Target] = [server_of(host), host.target()]
    server, benches = find_server(targets)
    found = at_hand(server, benches, host.run, None)
    assert found.process is not None
    assert (found.process.pid, found.place.path) == (7, folder / "90-lifeboat.cnf")
    assert at_hand(server, benches, host.run, Path("/named.cnf")).place.path == Path("/named.cnf")
    host.hang("mariadbd")
    assert "did not end" in at_hand(server, benches, host.run, None).place.reason


@pytest.mark.parametrize("count", [0, 2])
def test_other_numbers_of_servers_are_refused(host: FakeHost, count: int) -> None:
    with pytest.raises(LifeboatError, match="one server at a time") as refused:
        find_server([host.target(), *(server_of(host) for _number in range(count))])
    assert refused.value.error_code == "settings_refused"


def test_server_elsewhere_or_in_a_container_has_no_place(host: FakeHost, tmp_path: Path) -> None:
    benches = BenchesOfHost(host.target())
    assert "does not run on this host" in at_hand(server_of(host, "db1"), benches, host.run, None).place.reason
    host.write("/run/mariadb.pid", "7\n")
    (host.process(7, "mariadbd") / "root").symlink_to(tmp_path)
    found = at_hand(server_of(host), BenchesOfHost(host.target()), host.run, None)
    assert "in a container" in found.place.reason
