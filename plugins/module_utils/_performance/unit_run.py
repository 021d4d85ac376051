"""The numbers of workers in systemd's units of a bench: finding and writing them, starting and ending workers.

Units of an account (``systemctl --user``) are left as they are: bench writes none.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .._bench.layout import ROOT
from .._bench.service import Service
from .._system.commands import CommandRunner
from .._system.errors import LifeboatError
from .._system.replacing import replace_text
from .queue_workers import QueueWorker
from .unit_counts import instance_counts, instance_name, template_of, web_count, with_instance_counts, with_web_count

POLL_SECONDS = 0.2
# A worker imports the whole application before it registers.
REGISTERED_SECONDS = 120.0
# Of the run-time folder, so that it is gone with the next boot at the latest.
_KEPT_DOWN = "run/systemd/system/{unit}.d/90-lifeboat.conf"
_KEPT_DOWN_TEXT = "# Until the worker has finished its job and ended.\n[Service]\nRestart=no\n"


@dataclass(frozen=True)
class CountedUnit:
    """A unit of which a file says how many workers there are.

    Attributes:
        name: The web server's unit, or the template of a group of queues.
        kind: ``web`` or ``worker``.
        count: The number.
        path: The file that says it: the web server's own, or that of the target that names the instances.
    """

    name: str
    kind: str
    count: int
    path: Path


@dataclass(frozen=True)
class InstanceSteps:
    """The instances of the templates that are started, and those that end after their job."""

    starting: tuple[str, ...]
    ending: tuple[str, ...]


def find_counted_units(services: Iterable[Service], run: CommandRunner) -> list[CountedUnit]:
    """Return the units of a bench whose number of workers can be set.

    Args:
        services: The bench's services.
        run: Runs ``systemctl``.
    """
    ours = [service for service in services if service.manager == "systemd"]
    found = []
    for service in ours:
        if service.kind == "web":
            counts = [(web_count(text), path) for path, text in _unit_files(service.name, run)]
            # What comes after the unit's own file overrides it.
            found += [CountedUnit(service.name, "web", count, path) for count, path in counts if count][-1:]
    templates = {known[0] for each in ours if each.kind == "worker" and (known := template_of(each.name))}
    for path, text in _unit_files("*.target", run) if templates else ():
        counted = instance_counts(text).items()
        found += [CountedUnit(name, "worker", count, path) for name, count in counted if name in templates]
    return found


def uncounted_names(services: Iterable[Service], units: Iterable[CountedUnit]) -> list[str]:
    """Return the web servers and workers that systemd runs, whose number of workers cannot be set.

    Args:
        services: The bench's services.
        units: Those whose number can be set.
    """
    counted = {unit.name for unit in units}
    managed = [each for each in services if each.manager.startswith("systemd") and each.kind in {"web", "worker"}]
    names = {(template_of(service.name) or (service.name,))[0] for service in managed}
    return sorted(names - counted)


def plan_instances(
    services: Iterable[Service], counts: Mapping[str, int], different: Collection[str], root: Path = ROOT
) -> InstanceSteps:
    """Return which instances are started and which end. None is started where none runs: somebody stopped them.

    Args:
        services: The bench's services.
        counts: The wanted number of instances, by template.
        different: The templates of which a target names another number.
        root: The folder that stands for ``/``.
    """
    instances: dict[str, dict[int, Service]] = {template: {} for template in counts}
    for service in services:
        known = template_of(service.name)
        if known and known[0] in counts and service.manager == "systemd":
            instances[known[0]][known[1]] = service
    starting, ending = [], []
    for template, known_instances in instances.items():
        running = {number for number, service in known_instances.items() if service.pid}
        for number in range(1, 1 + counts[template]):
            name = instance_name(template, number)
            if running and (number not in running or _kept_down_path(name, root).exists()):
                starting.append(name)
        # One that does not run may be about to be started again.
        leaving = known_instances if template in different else running
        ending += [instance_name(template, number) for number in leaving if number > counts[template]]
    return InstanceSteps(tuple(starting), tuple(sorted(ending)))


@dataclass(frozen=True)
class UnitControl:
    """What a change of the units needs.

    Attributes:
        run: Runs ``systemctl``.
        find_workers: Returns the bench's workers as they are now.
        ask_to_end: Has a worker end after its job; False where that could not be done yet.
        timeout_seconds: For how long the jobs of workers that end are waited for, all together.
    """

    run: CommandRunner
    find_workers: Callable[[], Sequence[QueueWorker]]
    ask_to_end: Callable[[QueueWorker], bool]
    timeout_seconds: float
    root: Path = ROOT
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def apply(self, units: Iterable[CountedUnit], counts: Mapping[str, int], steps: InstanceSteps) -> list[str]:
        """Write numbers into the files of units, start the instances that come, and end those that go.

        Args:
            units: The units, as ``find_counted_units`` returned them.
            counts: The wanted numbers, by unit.
            steps: Which instances come and go.

        Returns:
            The instances that still run a job: they end after it, and stay away.

        Raises:
            LifeboatError: ``command_failed`` where systemd refuses, or where what runs is no worker of the bench's
                queues; ``redis_unavailable``.
        """
        different = [unit for unit in units if counts.get(unit.name, unit.count) != unit.count]
        for unit in different:
            text = unit.path.read_text()
            is_web = unit.kind == "web"
            new_text = with_web_count(text, counts[unit.name]) if is_web else with_instance_counts(text, counts)
            replace_text(unit.path, new_text)
        self._let_come_back(steps.starting)
        self._keep_down(steps.ending)
        if different or steps != InstanceSteps((), ()):
            self._systemctl("daemon-reload")
        if steps.starting:
            self._systemctl("start", *steps.starting)
        return self._end(steps.ending) if steps.ending else []

    def _end(self, names: Sequence[str]) -> list[str]:
        """End instances that their manager does not start again: each is told, then all are waited for."""
        for name in names:
            self._tell(name)
        deadline = self.clock() + self.timeout_seconds
        while (busy := [name for name in names if self._pid(name)]) and self.clock() < deadline:
            self.sleep(POLL_SECONDS)
        ended = [name for name in names if name not in busy]
        self._let_come_back(ended)
        self._systemctl("daemon-reload")
        return busy

    def _tell(self, name: str) -> None:
        deadline = self.clock() + REGISTERED_SECONDS
        while self._pid(name):
            workers = [each for each in self.find_workers() if each.service and each.service.name == name]
            if workers and all(map(self.ask_to_end, workers)):
                return
            if self.clock() >= deadline:
                raise LifeboatError(
                    f"Cannot end {name}: it runs, and is no worker of the bench's queues that could be told to end "
                    "after its job. systemd brings it up no more. Read its log, and end it with systemctl stop.",
                    "command_failed",
                )
            self.sleep(POLL_SECONDS)
        # It may have been about to be started again before its manager was told not to.
        self._systemctl("stop", name)

    def _pid(self, name: str) -> int:
        return int(self._systemctl("show", "--property=MainPID", "--value", name) or 0)

    def _keep_down(self, names: Iterable[str]) -> None:
        for name in names:
            path = _kept_down_path(name, self.root)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_KEPT_DOWN_TEXT)

    def _let_come_back(self, names: Iterable[str]) -> None:
        for name in names:
            path = _kept_down_path(name, self.root)
            with suppress(OSError):  # it was not kept down, or somebody else has something in its folder
                path.unlink()
                path.parent.rmdir()

    def _systemctl(self, action: str, *arguments: str) -> str:
        answer = self.run(["systemctl", action, *arguments])
        if answer.exit_code:
            raise LifeboatError(
                f"Cannot {action} {' '.join(arguments) or 'systemd'}: systemctl ended with {answer.exit_code}. The "
                f"numbers are in the units' files; run systemctl {action} and read what it says.",
                "command_failed",
            )
        return answer.output.strip()


def _unit_files(pattern: str, run: CommandRunner) -> list[tuple[Path, str]]:
    """Return the files of units with their texts, those that override after those that they override."""
    shown = run(["systemctl", "show", "--property=FragmentPath,DropInPaths", pattern]).output
    found = []
    for line in sorted(shown.splitlines(), reverse=True):  # FragmentPath before DropInPaths
        for name in line.partition("=")[2].split():
            with suppress(OSError):
                path = Path(name).resolve()  # bench keeps the files, and systemd has links to them
                found.append((path, path.read_text()))
    return found


def _kept_down_path(unit: str, root: Path) -> Path:
    return root / _KEPT_DOWN.format(unit=unit)
