from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.web_masters import (
    find_web_masters,
    is_preloading,
    process_bytes,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult

TITLE = "gunicorn: master [frappe.app:application]"


class Machine:
    """A host made of files, with a bench whose gunicorn has a master and a worker."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bench = Bench(root / "bench")
        (self.bench.path / "sites").mkdir(parents=True)
        self.asked: list[list[str]] = []
        self.output = ""
        (root / "proc").mkdir()
        (root / "proc" / "stat").write_text("cpu 1\nbtime 1000\n")

    def process(self, pid: int, parent: int, *arguments: str, ticks: int = 0) -> None:
        folder = self.root / "proc" / str(pid)
        folder.mkdir()
        (folder / "cmdline").write_bytes("\0".join([*arguments, ""]).encode())
        (folder / "stat").write_text(f"{pid} (x) S {parent} " + "0 " * 17 + f"{ticks} 0")
        (folder / "cwd").symlink_to(self.bench.sites_path)
        (folder / "status").write_text("VmRSS:\t  10 kB\n")

    def run(self, arguments: Sequence[str]) -> CommandResult:
        self.asked.append(list(arguments))
        return CommandResult(tuple(arguments), 0, self.output, "")

    def masters(self, *services: Service) -> list[object]:
        host = Host("host", Surroundings(root=self.root, runner=self.run), [self.bench])
        return list(find_web_masters(self.bench, services, host))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_preloading_master_has_the_code_of_its_start(machine: Machine) -> None:
    tick = os.sysconf("SC_CLK_TCK")
    machine.process(10, 1, "gunicorn", "--preload", ticks=5 * tick)
    machine.process(11, 10, "gunicorn", "--preload", ticks=90 * tick)
    (master,) = machine.masters()
    assert master.loaded_at_seconds == 1005
    assert (master.is_preloading, master.service, master.worker_pids) == (True, None, (11,))
    assert master.worker_bytes == (10 * 1024,)


def test_other_master_has_the_code_of_its_oldest_worker(machine: Machine) -> None:
    tick = os.sysconf("SC_CLK_TCK")
    machine.process(10, 1, "gunicorn", "app", ticks=5 * tick)
    machine.process(11, 10, "gunicorn", "app", ticks=90 * tick)
    machine.process(12, 10, "gunicorn", "app", ticks=80 * tick)
    (master,) = machine.masters()
    assert master.loaded_at_seconds == 1080


def test_command_of_a_renamed_master_comes_from_its_manager(machine: Machine) -> None:
    machine.process(5, 1, "/usr/bin/supervisord", "-c", str(machine.root / "supervisord.conf"))
    (machine.root / "supervisord.conf").write_text(
        f"[program:b-web]\ncommand={machine.bench.path}/env/bin/gunicorn -w 2 'a b' --preload\n"
    )
    machine.process(10, 5, TITLE)
    service = Service("b:b-web", "supervisor", "web", "running", 10)
    (master,) = machine.masters(service)
    assert master.command == (f"{machine.bench.path}/env/bin/gunicorn", "-w", "2", "a b", "--preload")
    assert master.service == service
    machine.output = "{ path=/x/gunicorn ; argv[]=/x/gunicorn -w 2 ; ignore_errors=no }"
    (master,) = machine.masters(Service("web.service", "systemd", "web", "running", 10))
    assert master.command == ("/x/gunicorn", "-w", "2")
    assert machine.asked[-1][:2] == ["systemctl", "show"]
    machine.masters(Service("web.service", "systemd-user", "web", "running", 10))
    assert machine.asked[-1][1] == "--user"
    (master,) = machine.masters(Service("web-10", "process", "web", "running", 10))
    assert master.command == ()


def test_preloading_is_read_from_the_configuration_as_well(tmp_path: Path) -> None:
    assert not is_preloading(("gunicorn",), tmp_path)
    (tmp_path / "gunicorn.conf.py").write_text("workers = 2\npreload_app = True\n")
    (tmp_path / "other.py").write_text("preload_app = False\n")
    assert is_preloading(("gunicorn",), tmp_path)
    assert not is_preloading(("gunicorn", "-c", "other.py"), tmp_path)


def test_memory_is_the_share_of_a_process(tmp_path: Path) -> None:
    folder = tmp_path / "proc" / "7"
    folder.mkdir(parents=True)
    assert process_bytes(7, tmp_path) == 0
    (folder / "status").write_text("Name:\tx\n")
    assert process_bytes(7, tmp_path) == 0
    (folder / "smaps_rollup").write_text("Rss:  100 kB\nPss:   40 kB\n")
    assert process_bytes(7, tmp_path) == 40 * 1024
