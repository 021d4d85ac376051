"""The numbers in systemd's units, with a manager that is made up; a real one runs the bench of a host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.queue_workers import QueueWorker
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.unit_run import (
    InstanceSteps,
    UnitControl,
    find_counted_units,
    plan_instances,
    uncounted_names,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

WEB, SHORT = "b-frappe-web.service", "b-frappe-short-worker@.service"
FIRST, SECOND = "b-frappe-short-worker@1.service", "b-frappe-short-worker@2.service"
WEB_TEXT = "[Service]\nExecStart=/b/env/bin/gunicorn -w 2 app\n"
TARGET_TEXT = f"[Unit]\nWants={FIRST}\n"
KEPT_DOWN = "run/systemd/system/{}.d/90-lifeboat.conf"


@dataclass
class Manager:
    """Stands for systemd: units with a file, and the main processes of those that run."""

    root: Path
    pids: dict[str, int] = field(default_factory=dict)
    refused: str = ""
    asked: list[list[str]] = field(default_factory=list)

    def write(self, name: str, text: str) -> Path:
        """Have a unit whose file is the bench's own."""
        path = self.root / "bench" / name
        link = self.root / "units" / name
        for folder in (path.parent, link.parent):
            folder.mkdir(exist_ok=True)
        path.write_text(text)
        link.symlink_to(path)
        return path

    def run(self, arguments: Sequence[str]) -> CommandResult:
        """Do what systemctl is asked for."""
        action, *words = arguments[1:]
        self.asked.append([action, *words])
        output = ""
        if words[:1] == ["--property=MainPID"]:
            output = f"{self.pids.get(words[-1], 0)}\n"
        elif action == "show":
            paths = (self.root / "units").glob(words[-1])
            output = "\n\n".join(
                f"DropInPaths={' '.join(map(str, (self.root / 'units').glob(f'{path.name}.d')))}\nFragmentPath={path}"
                for path in sorted(paths)
            )
        elif action == "start":
            self.pids.update({name: 100 for name in words if name not in self.pids})
        elif action == "stop":
            assert not [name for name in words if name in self.pids], "what runs is not stopped"
        return CommandResult(tuple(arguments), int(action == self.refused), output, "")


@pytest.fixture
def manager(tmp_path: Path) -> Manager:
    return Manager(tmp_path)


def service(name: str, pid: int | None = 1, manager: str = "systemd") -> Service:
    return Service(name, manager, "web" if "web" in name else "worker", "running" if pid else "stopped", pid)


def control(manager: Manager, timeout_seconds: float = 10, ends_after: int = 0) -> UnitControl:
    """A control whose workers have finished their job when the control has slept that often."""
    seconds = iter(range(1000))

    def workers() -> list[QueueWorker]:
        return [QueueWorker(name, pid, ("short",), service(name, pid), 0.0) for name, pid in manager.pids.items()]

    def ask(worker: QueueWorker) -> bool:
        assert (manager.root / KEPT_DOWN.format(worker.name)).read_text().endswith("[Service]\nRestart=no\n")
        assert manager.asked.index(["daemon-reload"]) < len(manager.asked) - 1
        told.append(worker.name)
        if not ends_after:
            del manager.pids[worker.name]
        return True

    def sleep(_seconds: float) -> None:
        slept.append(1)
        if len(slept) == ends_after:
            manager.pids.pop(told[0])

    told: list[str] = []
    slept: list[int] = []
    return UnitControl(manager.run, workers, ask, timeout_seconds, manager.root, lambda: float(next(seconds)), sleep)


def test_units_that_say_a_number_are_found_behind_their_links(manager: Manager) -> None:
    web, target = manager.write(WEB, WEB_TEXT), manager.write("b-workers.target", TARGET_TEXT)
    manager.write("other.target", "Wants=other@1.service\n")
    known = [service(WEB), service(FIRST), service("b-frappe-web.service", manager="supervisor")]
    found = find_counted_units(known, manager.run)
    assert [(unit.name, unit.kind, unit.count, unit.path) for unit in found] == [
        (WEB, "web", 2, web),
        (SHORT, "worker", 1, target),
    ]
    assert uncounted_names(known, found) == []


def test_override_of_the_web_server_counts(manager: Manager) -> None:
    manager.write(WEB, WEB_TEXT)
    override = manager.write(f"{WEB}.d", "[Service]\nExecStart=\nExecStart=/b/env/bin/gunicorn -w 5 app\n")
    (found,) = find_counted_units([service(WEB)], manager.run)
    assert (found.count, found.path) == (5, override)


def test_units_that_are_laid_out_otherwise_are_named(manager: Manager) -> None:
    manager.write(WEB, "[Service]\nExecStart=/b/env/bin/gunicorn app\n")
    known = [
        service(WEB),
        service(FIRST),
        service("b-worker.service", manager="systemd-user"),
        service("b-x", 1, "process"),
    ]
    assert find_counted_units(known, manager.run) == []
    assert uncounted_names(known, []) == [SHORT, WEB, "b-worker.service"]


@pytest.mark.parametrize(
    ("running", "count", "different", "steps"),
    [
        ({1: 10}, 2, {SHORT}, ((SECOND,), ())),
        ({1: 10, 2: 20}, 1, {SHORT}, ((), (SECOND,))),
        ({1: 10, 2: 20}, 2, set(), ((), ())),
        ({1: 10, 2: None}, 2, set(), ((SECOND,), ())),
        ({1: 10, 2: 20}, 1, set(), ((), (SECOND,))),
        ({1: 10, 2: None}, 1, {SHORT}, ((), (SECOND,))),
        ({1: 10, 2: None}, 1, set(), ((), ())),
        ({1: None}, 2, {SHORT}, ((), ())),
    ],
    ids=["more", "less", "as wanted", "one ended", "one too many", "being started", "gone", "stopped"],
)
def test_instances_that_come_and_go(
    tmp_path: Path, running: dict[int, int | None], count: int, different: set[str], steps: tuple[tuple[str, ...], ...]
) -> None:
    known = [service(SHORT.replace("@", f"@{number}"), pid) for number, pid in running.items()]
    known += [service(WEB), service("x-worker@7.service")]
    assert plan_instances(known, {SHORT: count}, different, tmp_path) == InstanceSteps(*steps)


def test_numbers_are_written_and_new_instances_started(manager: Manager) -> None:
    web, target = manager.write(WEB, WEB_TEXT), manager.write("b-workers.target", TARGET_TEXT)
    units = find_counted_units([service(WEB), service(FIRST)], manager.run)
    manager.asked.clear()
    assert control(manager).apply(units, {WEB: 4, SHORT: 2}, InstanceSteps((SECOND,), ())) == []
    assert manager.asked == [["daemon-reload"], ["start", SECOND]]
    assert web.read_text() == WEB_TEXT.replace("-w 2", "-w 4")
    assert target.read_text() == TARGET_TEXT.replace(FIRST, f"{FIRST} {SECOND}")
    assert (manager.root / "units" / WEB).is_symlink()


def test_nothing_is_asked_where_the_numbers_are_right(manager: Manager) -> None:
    manager.write(WEB, WEB_TEXT)
    units = find_counted_units([service(WEB)], manager.run)
    manager.asked.clear()
    assert control(manager).apply(units, {WEB: 2}, InstanceSteps((), ())) == []
    assert manager.asked == []


def test_instance_that_goes_is_kept_from_coming_back_until_its_worker_ended(manager: Manager) -> None:
    manager.pids = {FIRST: 10, SECOND: 20}
    assert control(manager, ends_after=3).apply([], {}, InstanceSteps((), (SECOND,))) == []
    assert manager.pids == {FIRST: 10}
    assert manager.asked[-1] == ["daemon-reload"]
    assert not (manager.root / KEPT_DOWN.format(SECOND)).parent.exists()


def test_instance_that_is_about_to_be_started_is_stopped(manager: Manager) -> None:
    assert control(manager).apply([], {}, InstanceSteps((), (SECOND,))) == []
    assert ["stop", SECOND] in manager.asked


def test_long_job_is_left_to_its_end_and_its_instance_comes_back_when_it_is_wanted(manager: Manager) -> None:
    manager.pids = {FIRST: 10, SECOND: 20}
    assert control(manager, timeout_seconds=3, ends_after=100).apply([], {}, InstanceSteps((), (SECOND,))) == [SECOND]
    assert (manager.root / KEPT_DOWN.format(SECOND)).exists()
    known = [service(FIRST, 10), service(SECOND, 20)]
    steps = plan_instances(known, {SHORT: 2}, (), manager.root)
    assert steps == InstanceSteps((SECOND,), ())
    assert control(manager).apply([], {}, steps) == []
    assert not (manager.root / KEPT_DOWN.format(SECOND)).exists()


def test_process_that_is_no_worker_is_not_ended(manager: Manager) -> None:
    manager.pids = {SECOND: 20}
    stranger = control(manager)
    stranger = UnitControl(manager.run, list, stranger.ask_to_end, 10, manager.root, stranger.clock, stranger.sleep)
    with pytest.raises(LifeboatError, match="no worker of the bench's queues") as caught:
        stranger.apply([], {}, InstanceSteps((), (SECOND,)))
    assert caught.value.error_code == "command_failed"
    assert manager.pids == {SECOND: 20}


def test_manager_that_refuses_is_told(manager: Manager) -> None:
    manager.refused = "start"
    with pytest.raises(LifeboatError, match=f"Cannot start {SECOND}: systemctl ended with 1") as caught:
        control(manager).apply([], {}, InstanceSteps((SECOND,), ()))
    assert caught.value.error_code == "command_failed"
