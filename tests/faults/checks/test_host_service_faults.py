"""Services, timers, clocks and updates of the host.

supervisor, a replaced library and a name that nobody knows are real; this machine has no systemd of its own, no clock
to set and no packages to hold back, so these are files and the answers of programs.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.processes import list_processes
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.patience import PATIENT
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import HOST_NAME, Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings

from tests.check_runs import UNHURRIED, run_one
from tests.fake_host import NOW_SECONDS, FakeHost

DAY = 86_400
WAIT_SECONDS = 60
SERVING = """import mmap, sys
library = open(sys.argv[1], "rb")
kept = mmap.mmap(library.fileno(), 0, prot=mmap.PROT_READ)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "root")


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)


@pytest.mark.check("H13")
def test_a_clock_that_is_off_is_seen(host: FakeHost) -> None:
    tracking = "A29FC87B,a,3,1.1,{offset},0.1,0.1,-1.5,0.1,0.1,0.1,0.1,64.2,Normal\n"
    for offset, severity in (("0.001", "ok"), ("-0.2", "warning"), ("3.5", "critical"), ("0.001", "ok")):
        host.answer("chronyc", tracking.format(offset=offset))
        assert host.findings("H13")[""].severity == severity


@pytest.mark.check("H13")
def test_a_clock_that_nothing_keeps_right_is_seen(host: FakeHost) -> None:
    for answer, severity in (("yes", "ok"), ("no", "critical"), ("yes", "ok")):
        host.answer("timedatectl", f"NTP=yes\nNTPSynchronized={answer}\n")
        assert host.findings("H13")[""].severity == severity


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[tuple[Path, list[str], int]]:
    """A real supervisord with one program, which fails where a file is there; with its client and its pid."""
    configuration = tmp_path / "supervisord.conf"
    configuration.write_text(
        f"""[supervisord]
nodaemon=true
logfile={tmp_path}/log
pidfile={tmp_path}/pid
[unix_http_server]
file={tmp_path}/socket
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{tmp_path}/socket
[program:nginx-of-test]
command=/bin/sh -c "test ! -e {tmp_path}/fault && exec sleep 3600"
startsecs=1
startretries=0
autorestart=false
"""
    )
    options = ["-c", str(configuration)]
    daemon = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    client = [sys.executable, "-m", "supervisor.supervisorctl", *options]
    try:
        status = [*client, "status"]
        wait_for(lambda: b"RUNNING" in subprocess.run(status, check=False, capture_output=True).stdout)
        yield tmp_path / "fault", client, daemon.pid
    finally:
        daemon.terminate()
        daemon.wait(timeout=WAIT_SECONDS)


@pytest.mark.check("H14")
def test_a_program_of_supervisor_that_ends_is_seen(
    host_target: Callable[..., Host], supervisor: tuple[Path, list[str], int]
) -> None:
    fault, client, pid = supervisor

    def severities() -> dict[str, str]:
        target = host_target()
        target.processes = [process for process in list_processes() if process.pid == pid]  # of this test alone
        return {finding.item: finding.severity for finding in run_one("H14", target) if finding.item != "systemd"}

    assert severities()["supervisor"] == "ok"
    fault.touch()
    subprocess.run([*client, "restart", "nginx-of-test"], capture_output=True, check=False)
    assert severities()["nginx-of-test"] in {"warning", "critical"}  # EXITED or FATAL, as supervisor notices it
    fault.unlink()
    subprocess.run([*client, "start", "nginx-of-test"], capture_output=True, check=True)
    assert severities()["supervisor"] == "ok"


@pytest.mark.check("H14")
def test_a_unit_that_fails_is_seen(host: FakeHost) -> None:
    """With a systemctl that is an answer; molecule/audit has a real one."""
    (host.root / "run/systemd/system").mkdir(parents=True)
    host.answer("systemctl", "")
    assert host.findings("H14")["systemd"].severity == "ok"
    host.answer("systemctl", "mariadb.service loaded failed failed MariaDB\n")
    assert host.findings("H14")["mariadb.service"].severity == "critical"
    host.answer("systemctl", "")
    assert host.findings("H14")["systemd"].severity == "ok"


@pytest.mark.check("H15")
def test_a_timer_that_does_not_run_is_seen(host: FakeHost) -> None:
    """With a systemctl that is an answer; molecule/audit stops a timer of a real one."""
    (host.root / "run/systemd/system").mkdir(parents=True)
    for late_seconds, severity in ((-60, "ok"), (90, "warning"), (180, "critical"), (-60, "ok")):
        following = (NOW_SECONDS - late_seconds) * 1e6
        host.answer("systemctl", json.dumps([{"unit": "a.timer", "next": following, "last": following - 60e6}]))
        assert host.findings("H15")["a.timer"].severity == severity


@pytest.mark.check("H15")
def test_crontabs_without_cron_are_seen(host: FakeHost) -> None:
    host.write("/var/spool/cron/crontabs/frappe", "0 */6 * * * bench backup\n")
    assert host.findings("H15")["cron"].severity == "critical"
    host.process(10, "/usr/sbin/cron", "-f")
    assert host.findings("H15")["cron"].severity == "ok"


@pytest.mark.check("H16")
def test_a_reboot_that_is_due_is_seen(host: FakeHost) -> None:
    assert host.findings("H16")[""].severity == "ok"
    marker = host.write("/run/reboot-required", "", age_seconds=DAY)
    assert host.findings("H16")[""].severity == "warning"
    os.utime(marker, (NOW_SECONDS - 40 * DAY, NOW_SECONDS - 40 * DAY))
    assert host.findings("H16")[""].severity == "critical"
    marker.unlink()
    assert host.findings("H16")[""].severity == "ok"


def a_library() -> Path:
    """Return a library that this Python has mapped."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    return next(Path(line.split()[-1]) for line in maps if ".so" in line and line.split()[-1].startswith("/"))


@pytest.mark.check("H17")
def test_a_service_with_a_replaced_library_is_seen(host_target: Callable[..., Host], tmp_path: Path) -> None:
    library = tmp_path / "libtest.so.1"
    shutil.copy(a_library(), library)
    program = tmp_path / "serving"
    program.write_text(SERVING)

    def severities() -> dict[str, str]:
        target = host_target()
        target.processes = [process for process in list_processes() if process.pid == service.pid]
        return {finding.item: finding.severity for finding in run_one("H17", target)}

    with subprocess.Popen(
        [sys.executable, str(program), str(library)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as service:
        assert service.stdout is not None
        assert service.stdout.readline() == b"ready\n"
        assert set(severities().values()) == {"ok"}
        library.unlink()
        assert set(severities().values()) == {"warning"}
        service.kill()
        service.wait()
        restarted = host_target()
        restarted.processes = list_processes()
        assert "serving" not in {finding.item for finding in run_one("H17", restarted)}


@pytest.mark.check("H18")
def test_security_updates_that_wait_are_seen(host: FakeHost) -> None:
    host.write("/var/lib/dpkg/status", "Package: openssl\nStatus: install ok installed\nVersion: 3.0.1-1\n")
    packages = "/var/lib/apt/lists/security.example.com_dists_x-security_main_binary-amd64_Packages"
    host.write(packages, "Package: openssl\nVersion: 3.0.2-1\n")

    def severity(days: int) -> str:
        fact = f"{NOW_SECONDS - days * DAY:.0f}"
        history = History([{"at_seconds": 1.0, "values": {}, "facts": {"H18|host|security updates": fact}}])
        return host.findings("H18", history=history)["security updates"].severity

    assert [severity(1), severity(8), severity(31)] == ["ok", "warning", "critical"]
    host.write("/var/lib/dpkg/status", "Package: openssl\nStatus: install ok installed\nVersion: 3.0.2-1\n")
    assert severity(31) == "ok"


@pytest.mark.check("H22")
def test_a_name_that_nobody_knows_is_seen(surroundings: Surroundings, tmp_path: Path) -> None:
    (tmp_path / "sites").mkdir()
    configuration = tmp_path / "sites/common_site_config.json"

    def severity(name: str) -> str:
        configuration.write_text(json.dumps({"db_host": name}))
        # A resolver that nobody answers takes its time to say so, and no longer than a check has.
        host = Host(HOST_NAME, replace(surroundings, patience=PATIENT), [Bench(tmp_path)])
        (finding,) = run_one("H22", host, thresholds=UNHURRIED)
        return finding.severity

    assert severity(socket.gethostname()) == "ok"
    assert severity("database.invalid") == "critical"
    assert severity(socket.gethostname()) == "ok"


@pytest.mark.check("H23")
def test_many_errors_in_the_journal_are_seen(host: FakeHost) -> None:
    """With a journalctl that is an answer; molecule/audit writes errors into a real journal."""
    (host.root / "run/systemd/system").mkdir(parents=True)
    run = {"at_seconds": 1.0, "values": {"H23|host|errors": 12.0}, "facts": {}}
    for count, severity in ((10, "ok"), (40, "warning"), (200, "critical"), (10, "ok")):
        host.answer("journalctl", '{"_SYSTEMD_UNIT": "nginx.service"}\n' * count)
        assert host.findings("H23", history=History([run] * 12))["errors"].severity == severity
