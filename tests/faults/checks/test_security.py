"""Accounts without a password, servers open to others, secrets that every account of the host can read."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.listeners import local_addresses, read_listeners
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import HOST_NAME, Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute

from tests.check_runs import run_one

SITE = "alpha.localhost"


def look(check_id, target):
    (finding,) = run_one(check_id, target)
    return finding


@contextmanager
def account(lab, definition, grant=""):
    with closing(connect(lab.login)) as administrator:
        execute(administrator, f"CREATE USER {definition}")
        if grant:
            execute(administrator, f"GRANT {grant} TO {definition.partition(' ')[0]}")
        yield
        execute(administrator, f"DROP USER {definition.partition(' ')[0]}")


@pytest.mark.check("S01")
@pytest.mark.parametrize(
    ("definition", "grant", "severity", "evidence"),
    [
        ("''@'localhost'", "", "critical", "anonymous@localhost lets anybody in"),
        ("'open'@'localhost'", "", "critical", "open@localhost has no password"),
        ("'chief'@'%' IDENTIFIED BY 'long enough'", "ALL ON *.*", "critical", "chief@% administers the server"),
        ("'chief'@'10.0.0.9' IDENTIFIED BY 'long enough'", "ALL ON *.*", "warning", "chief@10.0.0.9 administers"),
        ("'anywhere'@'%' IDENTIFIED BY 'long enough'", "", "warning", "anywhere@% may come from every host"),
    ],
    ids=["anonymous", "no-password", "root-from-everywhere", "root-from-elsewhere", "from-everywhere"],
)
def test_an_account_that_is_an_open_door(lab, server_target, definition, grant, severity, evidence):
    assert look("S01", server_target()).severity == "ok"
    with account(lab, definition, grant):
        found = look("S01", server_target())
        assert (found.severity, found.value) == (severity, 1)
        assert found.evidence[0].startswith(evidence)
    assert look("S01", server_target()).severity == "ok"


def test_an_account_that_cannot_log_in_is_no_door(lab, server_target):
    as_debian_installs_root = "'system'@'localhost' IDENTIFIED VIA mysql_native_password USING 'invalid' OR unix_socket"
    with account(lab, "'closed'@'%' ACCOUNT LOCK"), account(lab, as_debian_installs_root):
        assert look("S01", server_target()).severity == "ok"


@pytest.mark.check("S02")
def test_a_server_that_others_can_reach(host_target):
    expected = tuple(listener.port for listener in read_listeners() if not listener.address.is_loopback)
    assert look("S02", host_target(settings=Settings(expected_listeners=expected))).severity == "ok"
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 (that is the fault)
        port = server.getsockname()[1]
        found = look("S02", host_target(settings=Settings(expected_listeners=expected)))
        assert (found.severity, found.value) == ("warning", 1)
        assert found.evidence[0].endswith(f"on 0.0.0.0:{port}")
        assert look("S02", host_target(settings=Settings(expected_listeners=(*expected, port)))).severity == "ok"
    assert look("S02", host_target(settings=Settings(expected_listeners=expected))).severity == "ok"


def test_the_addresses_of_this_host_are_known():
    assert all(not address.is_loopback for address in local_addresses())


@contextmanager
def client_with_a_password() -> Iterator[None]:
    script = "exec -a mariadb sh -c 'echo; sleep 60; :' -phunter2"
    with subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.check("S03")
def test_a_password_on_a_command_line(host_target):
    with client_with_a_password():
        found = look("S03", host_target())
        assert found.severity == "critical"
        assert any("mariadb" in line and "password" in line for line in found.evidence)
        assert "hunter2" not in str(found)
    assert look("S03", host_target()).severity != "critical"


def test_a_backup_that_everybody_may_read(lab, surroundings):
    backup = lab.backup(SITE)

    def shown():
        target = Host(HOST_NAME, surroundings, benches=[Bench(lab.bench_path)])
        return [line for line in look("S03", target).evidence if str(backup.database) in line]

    backup.database.chmod(0o644)
    assert shown()
    backup.database.chmod(0o600)
    assert not shown()
