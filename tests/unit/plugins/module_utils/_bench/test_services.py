"""Services on hosts that are made of files: /proc, the configuration of supervisor, what systemd says.

The modules supervisor and systemd are read through ``find_services``, as everything else uses them.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.services import (
    find_services,
    reload_web,
    web_master_pids,
    web_worker_pids,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


class Host:
    """The root of a host with one bench; ``answers`` are what its programs print, by a word of their command."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bench = Bench(root / "home" / "frappe" / "frappe-bench")
        (self.bench.path / "sites").mkdir(parents=True)
        (root / "proc").mkdir()
        self.answers: dict[str, str] = {}
        self.commands: list[tuple[str, ...]] = []

    def process(self, pid: int, command: str, cwd: Path | str = "/", parent: int = 1, state: str = "S") -> None:
        folder = self.root / "proc" / str(pid)
        folder.mkdir()
        (folder / "cmdline").write_bytes(command.replace(" ", "\0").encode() + b"\0")
        (folder / "stat").write_text(f"{pid} (x) {state} {parent} 0")
        (folder / "cwd").symlink_to(cwd)

    def end(self, pid: int) -> None:
        (self.root / "proc" / str(pid) / "stat").write_text(f"{pid} (x) Z 1 0")

    def run(self, arguments: Sequence[str]) -> CommandResult:
        self.commands.append(tuple(arguments))
        for word, answer in self.answers.items():
            if any(word in argument for argument in arguments):
                return CommandResult(tuple(arguments), 0, answer, "")
        raise LifeboatError(f"Cannot run {arguments[0]}: it is not installed.", "command_missing")

    def services(self) -> list[Service]:
        return find_services(self.bench, self.run, self.root)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def supervised(host: Host, command: str, configuration: Path, cwd: Path | str = "/") -> None:
    """Put a supervisor on the host that runs the bench's web server and a stopped worker, and another bench's."""
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.write_text("[supervisord]\nx=%(broken\n[include]\nfiles = conf.d/*.conf ; all of them\n")
    (configuration.parent / "conf.d").mkdir()
    (configuration.parent / "conf.d" / "bench.conf").write_text(
        f"[program:frappe-bench-frappe-web]\ncommand={host.bench.path}/env/bin/gunicorn -w 2 ; the web server\n"
        "[program:frappe-bench-frappe-short-worker]\ncommand=bench worker --queue short,default\n"
        f"directory={host.bench.path}\n"
        "[program:other-frappe-web]\ncommand=/srv/other/env/bin/gunicorn\n"
        "[group:frappe-bench-web]\nprograms=frappe-bench-frappe-web\n"
    )
    host.process(50, command, cwd)
    host.process(60, f"python {host.bench.path}/env/bin/gunicorn -w 2", host.bench.sites_path, 50)
    host.process(61, f"python {host.bench.path}/env/bin/gunicorn -w 2", host.bench.sites_path, 60)
    host.process(70, "python /srv/other/env/bin/gunicorn", "/srv/other/sites", 50)
    host.answers["supervisorctl"] = (
        "frappe-bench-web:frappe-bench-frappe-web                  RUNNING   pid 60, uptime 0:01:02\n"
        "frappe-bench-workers:frappe-bench-frappe-short-worker-0   FATAL     Exited too quickly (process log)\n"
        "other-frappe-web                                          RUNNING   pid 70, uptime 1 day, 0:01:02\n"
        "other-worker                                              STOPPED   Nov 21 09:00 AM\n"
    )


FOUND_UNDER_SUPERVISOR = [
    Service("frappe-bench-web:frappe-bench-frappe-web", "supervisor", "web", "running", 60),
    Service(
        "frappe-bench-workers:frappe-bench-frappe-short-worker-0",
        "supervisor",
        "worker",
        "stopped",
        None,
        ("short", "default"),
    ),
]


def test_supervisor_with_a_configuration_of_its_own(host: Host) -> None:
    configuration = host.root / "opt" / "supervisord.conf"
    supervised(host, f"/usr/bin/python3 /usr/bin/supervisord -n -c {configuration}", configuration)
    assert host.services() == FOUND_UNDER_SUPERVISOR
    assert host.commands == [("supervisorctl", "-c", str(configuration), "status")]


@pytest.mark.parametrize(
    "option", ["-c supervisord.conf", "--configuration supervisord.conf", "--configuration=supervisord.conf"]
)
def test_configuration_relative_to_where_supervisor_stands(host: Host, option: str) -> None:
    configuration = host.root / "opt" / "supervisord.conf"
    supervised(host, f"/usr/bin/supervisord {option}", configuration, configuration.parent)
    assert host.services() == FOUND_UNDER_SUPERVISOR
    assert host.commands == [("supervisorctl", "-c", str(configuration), "status")]


def test_supervisor_as_the_distribution_installs_it(host: Host) -> None:
    configuration = host.root / "etc" / "supervisor" / "supervisord.conf"
    supervised(host, "/usr/bin/python3 /usr/bin/supervisord", configuration)
    assert host.services() == FOUND_UNDER_SUPERVISOR


def test_supervisor_whose_configuration_is_gone_tells_of_what_runs(host: Host) -> None:
    configuration = host.root / "etc" / "supervisor" / "supervisord.conf"
    supervised(host, "/usr/bin/python3 /usr/bin/supervisord", configuration)
    configuration.unlink()
    assert host.services() == FOUND_UNDER_SUPERVISOR[:1]
    assert host.commands == [("supervisorctl", "status")]


def test_supervisor_that_has_nothing_of_the_bench_is_not_asked(host: Host) -> None:
    configuration = host.root / "opt" / "supervisord.conf"
    supervised(host, f"/usr/bin/supervisord -c {configuration}", configuration)
    host.process(80, "/usr/bin/supervisord -c /srv/other/supervisord.conf")
    host.process(81, "python /srv/other/env/bin/gunicorn", "/srv/other/sites", 80)
    assert host.services() == FOUND_UNDER_SUPERVISOR
    assert host.commands == [("supervisorctl", "-c", str(configuration), "status")]


def test_queues_of_a_worker_that_renamed_its_process_come_from_its_configuration(host: Host) -> None:
    configuration = host.root / "opt" / "supervisord.conf"
    supervised(host, f"/usr/bin/supervisord -c {configuration}", configuration)
    host.process(62, "rq:worker:8f2b: listening on short", host.bench.sites_path, 50)
    host.process(63, "bench worker --queue long", host.bench.sites_path, 50)
    host.answers["supervisorctl"] = (
        "frappe-bench-frappe-short-worker-0  RUNNING  pid 62, uptime 0:01:02\n"
        "added-by-hand  RUNNING  pid 63, uptime 0:01:02\n"
    )
    found = [(service.kind, service.queues) for service in host.services() if service.kind == "worker"]
    assert found == [("worker", ("short", "default")), ("worker", ("long",))]


def test_configuration_that_cannot_be_parsed_tells_of_what_runs(host: Host) -> None:
    configuration = host.root / "etc" / "supervisord.conf"
    supervised(host, "/usr/bin/supervisord", configuration)
    configuration.write_text("no section\n")
    assert host.services() == FOUND_UNDER_SUPERVISOR[:1]


def test_included_by_an_absolute_path_and_by_here(host: Host) -> None:
    configuration = host.root / "etc" / "supervisord.conf"
    supervised(host, "/usr/bin/supervisord", configuration)
    configuration.write_text(f"[include]\nfiles={configuration.parent}/conf.d/bench.conf %(here)s/other.conf\n")
    host.answers["supervisorctl"] += "late-0 STOPPED Not started\n"
    (configuration.parent / "other.conf").write_text(f"[program:late]\ndirectory=%(here)s{host.bench.path}\n")
    assert host.services() == FOUND_UNDER_SUPERVISOR
    (configuration.parent / "other.conf").write_text("[program:late]\ndirectory=%(here)s/../home/frappe/frappe-bench\n")
    assert host.services() == FOUND_UNDER_SUPERVISOR  # a path is taken as it is written
    home = host.bench.path / "config"
    home.mkdir()
    (home / "late.conf").write_text("[program:late]\ndirectory=%(here)s\n")
    configuration.write_text(f"[include]\nfiles=conf.d/bench.conf {home}/late.conf\n")
    assert [service.name for service in host.services()][-1] == "late-0"


def test_client_beside_the_daemon_is_used(host: Host) -> None:
    programs = host.root / "venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "supervisorctl").write_text("")
    configuration = host.root / "opt" / "supervisord.conf"
    supervised(host, f"{programs}/python {programs}/supervisord -c {configuration}", configuration)
    assert host.services() == FOUND_UNDER_SUPERVISOR
    assert host.commands[0][0] == f"{programs}/supervisorctl"


def test_client_of_the_same_python_is_used(host: Host) -> None:
    configuration = host.root / "opt" / "supervisord.conf"
    supervised(host, f"/venv/bin/python -m supervisor.supervisord -c {configuration}", configuration)
    assert host.services() == FOUND_UNDER_SUPERVISOR
    assert host.commands[0][:3] == ("/venv/bin/python", "-m", "supervisor.supervisorctl")


def test_supervisor_that_does_not_answer_leaves_the_processes(host: Host) -> None:
    configuration = host.root / "opt" / "supervisord.conf"
    supervised(host, f"/usr/bin/supervisord -c {configuration}", configuration)
    del host.answers["supervisorctl"]
    assert host.services() == [Service("web-60", "process", "web", "running", 60)]
    host.answers["supervisorctl"] = "unix:///run/supervisor.sock no such file\n"
    assert host.services() == [Service("web-60", "process", "web", "running", 60)]


def test_units_of_the_system(host: Host) -> None:
    (host.root / "run" / "systemd" / "system").mkdir(parents=True)
    host.process(80, f"/usr/bin/python {host.bench.path}/env/bin/gunicorn", host.bench.sites_path)
    host.process(81, f"/usr/bin/python {host.bench.path}/env/bin/gunicorn", host.bench.sites_path, 80)
    host.process(90, "/usr/sbin/cron -f")
    host.answers["systemctl"] = (
        "ExecStart={ path=/usr/sbin/cron ; argv[]=/usr/sbin/cron -f ; ignore_errors=no ; pid=90 }\n"
        "WorkingDirectory=\nMainPID=90\nId=cron.service\n\n"
        "Id=frappe-bench-frappe-web.service\nMainPID=80\nExecStart={ path=/x ; argv[]=/x/start web ; pid=0 }\n\n"
        f"Id=frappe-bench-frappe-short-worker@1.service\nMainPID=0\nWorkingDirectory={host.bench.path}\n"
        "ExecStart={ path=/usr/local/bin/bench ; argv[]=/usr/local/bin/bench worker --queue short ; pid=0 }\n\n"
        f"Id=frappe-bench-redis-cache.service\nMainPID=0\nExecStart={{ path=/usr/bin/redis-server ; "
        f"argv[]=/usr/bin/redis-server {host.bench.path}/config/redis_cache.conf ; pid=0 }}\n\n"
    )
    assert host.services() == [
        Service("frappe-bench-frappe-web.service", "systemd", "web", "running", 80),
        Service("frappe-bench-frappe-short-worker@1.service", "systemd", "worker", "stopped", None, ("short",)),
        Service("frappe-bench-redis-cache.service", "systemd", "redis", "stopped", None),
    ]


def test_units_of_the_account_of_the_bench(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = host.bench.owner[0]
    (host.root / "run" / "user" / str(user_id) / "systemd").mkdir(parents=True)
    host.answers["--user"] = f"Id=bench-web.service\nMainPID=0\nWorkingDirectory={host.bench.sites_path}\n"
    assert host.services() == [Service("bench-web.service", "systemd-user", "web", "stopped", None)]
    assert host.commands[0][1] == "--user"
    assert host.commands[0][2].endswith("@.host")

    def unknown(_user_id: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    host.services()
    assert host.commands[1][2] == f"--machine={user_id}@.host"


def test_systemd_that_does_not_answer_leaves_the_processes(host: Host) -> None:
    (host.root / "run" / "systemd" / "system").mkdir(parents=True)
    host.process(80, f"{host.bench.path}/env/bin/gunicorn", host.bench.sites_path)
    assert host.services() == [Service("web-80", "process", "web", "running", 80)]


def test_processes_that_nothing_manages_are_found_once_each(host: Host) -> None:
    inside = host.bench.path
    host.process(10, "python /usr/local/bin/bench start", inside)
    host.process(11, "sh -c bench serve --port 8000", inside, 10)
    host.process(12, "python -m frappe.utils.bench_helper frappe serve --port 8000", inside / "sites", 11)
    host.process(13, "/usr/bin/redis-server 127.0.0.1:13000", inside / "config" / "pids", 10)
    host.process(14, "python -m frappe.utils.bench_helper frappe worker --queue short", inside / "sites", 10)
    host.process(15, "python -m frappe.utils.bench_helper frappe worker --queue short", inside / "sites", 14)
    host.process(16, "vi sites/common_site_config.json", inside)
    host.process(17, "/usr/bin/redis-server *:6379", "/var/lib/redis")
    assert [(service.name, service.kind, service.pid, service.queues) for service in host.services()] == [
        ("web-11", "web", 11, ()),
        ("redis-13", "redis", 13, ()),
        ("worker-14", "worker", 14, ("short",)),
    ]
    assert host.commands == []


def test_masters_of_gunicorn_are_those_of_this_bench(host: Host) -> None:
    inside = host.bench.path
    host.process(20, f"python {inside}/env/bin/gunicorn -w 2", inside / "sites")
    host.process(21, f"python {inside}/env/bin/gunicorn -w 2", inside / "sites", 20)
    host.process(30, "python /srv/other/env/bin/gunicorn", "/srv/other/sites")
    host.process(40, f"sh {inside}/start.sh", "/")
    host.process(41, "gunicorn: master [frappe.app:application]", "/", 40)
    host.process(42, "gunicorn: worker [frappe.app:application]", "/", 41)
    host.process(50, "python -m frappe.utils.bench_helper frappe serve", inside / "sites")
    services = [Service("start", "supervisor", "web", "running", 40)]
    assert web_master_pids(host.bench, services, host.root) == [20, 41]
    assert web_master_pids(host.bench, [], host.root) == [20]
    assert web_worker_pids([20, 41], host.root) == [21, 42]


def test_reload_sends_a_signal_and_passes_over_what_ended(host: Host) -> None:
    host.process(20, "gunicorn")
    host.process(21, "gunicorn", parent=20)
    sent: list[tuple[int, int]] = []

    def kill(pid: int, number: int) -> None:
        if pid == 19:
            raise ProcessLookupError
        sent.append((pid, number))

    assert reload_web([19, 20], root=host.root, kill=kill) == [21]
    assert sent == [(20, signal.SIGHUP)]


def test_reload_waits_for_the_workers_of_before(host: Host) -> None:
    host.process(20, "gunicorn")
    host.process(21, "gunicorn", parent=20)

    def kill(_pid: int, _number: int) -> None:
        host.end(21)
        host.process(22, "gunicorn", parent=20)

    assert reload_web([20], 60, host.root, kill) == []


def test_reload_tells_which_workers_are_left_when_the_time_is_over(host: Host) -> None:
    host.process(20, "gunicorn")
    host.process(21, "gunicorn", parent=20)
    moments = iter([0.0, 0.5, 1.1])
    assert reload_web([20], 1, host.root, lambda _pid, _number: None, lambda: next(moments)) == [21]
