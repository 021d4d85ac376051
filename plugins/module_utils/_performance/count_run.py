"""One run that proposes the numbers of workers of a bench, sets them, or puts back what they were."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Callable

from .._bench.configuration import bench_id, read_configuration, redis_addresses
from .._bench.layout import Bench
from .._bench.service import Service, service_kind
from .._bench.supervisor import Program, bench_programs, control_commands
from .._checks.patience import PATIENT
from .._checks.targets.bench import BenchTarget
from .._checks.targets.host import HOST_NAME, Host
from .._checks.targets.target import Surroundings
from .._queue.jobs import Queue
from .._recovery.configuration_run import ConfigurationRequest, run_present, run_restored
from .._recovery.record import recorded
from .._system.commands import CommandRunner, run_command
from .._system.errors import LifeboatError
from .._system.files import make_private_folder, write_json_atomically
from .._system.replacing import replace_text
from .bench_state import bench_folder, bench_lock
from .count_plan import QUEUE_KEY, WEB_KEY, CountProposal, chosen_counts, proposal_line
from .measures import take_measures
from .program_counts import program_counts, with_program_counts
from .queue_workers import QueueWorker, ask_to_end, find_queue_workers
from .unit_run import UnitControl, find_counted_units, plan_instances, uncounted_names
from .web_masters import find_web_masters

MODULE_NAME = "worker_counts"
# The jobs of workers that are started anew, or end, are waited for: bench gives them 1560 seconds.
MANAGER_SECONDS = 1800

_run_patiently = partial(run_command, timeout_seconds=MANAGER_SECONDS)


@dataclass(frozen=True)
class CountRequest:
    """Whose workers, what is wanted, and whether to set it.

    Attributes:
        bench: The bench.
        state_path: The folder of the collection's state.
        wanted: Numbers that a person wants, by key of common_site_config.json; None for those that are proposed.
        seconds: For how long the bench is watched.
        probe_path: What each site is asked for while it is watched.
        apply: Whether the numbers are set; False only proposes them.
    """

    bench: Bench
    state_path: Path
    wanted: Mapping[str, int | None]
    seconds: float
    probe_path: str
    apply: bool
    check_mode: bool
    run: CommandRunner = _run_patiently
    kill: Callable[[int, int], None] = os.kill
    sleep: Callable[[float], None] = time.sleep

    @property
    def configuration(self) -> ConfigurationRequest:
        """The change of the bench's configuration that belongs to it."""
        return ConfigurationRequest(self.bench, "", self.state_path, MODULE_NAME, self.check_mode or not self.apply)

    @property
    def originals_path(self) -> Path:
        """Where the numbers of supervisor's programs and systemd's units are remembered."""
        return bench_folder(self.state_path, self.bench) / "worker-counts.json"

    @property
    def changes(self) -> bool:
        """Whether anything may be changed."""
        return self.apply and not self.check_mode


def run_counts(request: CountRequest) -> dict[str, Any]:
    """Propose the numbers of workers, and set them where that is asked for.

    Raises:
        LifeboatError: ``counts_refused`` as ``chosen_counts`` raises it, ``configuration_refused``, ``site_locked``,
            ``redis_unavailable``, ``command_failed``.
    """
    look = _Look(request.bench)
    measures = take_measures(look.target, look.host, request.seconds, request.probe_path, request.sleep)
    proposals = chosen_counts(measures, look.present(), request.wanted)
    counts = {proposal.key: proposal.proposed for proposal in proposals}
    result = _set(request, look, counts) if request.apply else _Outcome({}, {}, [])
    lines = [proposal_line(proposal) for proposal in proposals]
    return _result(result, proposals, [*lines, *result.lines])


def run_counts_restored(request: CountRequest) -> dict[str, Any]:
    """Put back the numbers that were before the first change; nothing happens where none are remembered.

    What supervisor and systemd do not know now, as they or the workers are stopped, stays remembered.

    Raises:
        LifeboatError: As ``run_counts``.
    """
    look = _Look(request.bench)
    try:
        original = json.loads(request.originals_path.read_bytes())
    except FileNotFoundError:
        return _result(_Outcome({}, {}, []), [], ["No other numbers are remembered."])
    restored = run_restored(request.configuration)
    known = {name: count for name, count in original["programs"].items() if name in look.program_counts}
    unknown = sorted(original["programs"].keys() - known.keys())
    outcome = _set_programs(request, look, known, original["web"])
    if request.changes and not unknown:
        request.originals_path.unlink()
    before, after = restored["diff"]["before"], restored["diff"]["after"]
    lines = [
        *outcome.lines,
        *(f"{name} is not loaded: start it and run this again for its number." for name in unknown),
    ]
    return _result(_Outcome({**before, **outcome.before}, {**after, **outcome.after}, lines), [], lines)


@dataclass(frozen=True)
class _Outcome:
    """What was changed: values before and after, and how it was done, for people."""

    before: dict[str, Any]
    after: dict[str, Any]
    lines: list[str]


def present_counts(bench: Bench) -> dict[str, int]:
    """Return how many workers a bench is started with, by key of common_site_config.json."""
    return _Look(bench).present()


class _Look:
    """The bench as it is now."""

    def __init__(self, bench: Bench) -> None:
        surroundings = Surroundings(patience=PATIENT)
        self.bench = bench
        self.target = BenchTarget(bench, surroundings)
        self.host = Host(HOST_NAME, surroundings, [bench])
        self.common = read_configuration(bench.common_config_path)
        self.services = self.target.services
        self.masters = find_web_masters(bench, self.services, self.host)
        self.programs = bench_programs(bench, self.host.processes, surroundings.root)
        self.units = find_counted_units(self.services, surroundings.run)

    @property
    def program_counts(self) -> dict[str, int]:
        """The numbers of supervisor's programs and systemd's units: what they are started with next."""
        programs = {
            name: count
            for path in {program.path for program in self.programs}
            for name, count in program_counts(path.read_text()).items()
            if name in {program.name for program in self.programs}
        }
        return {**programs, **{unit.name: unit.count for unit in self.units}}

    def programs_of(self, kind: str) -> list[Program]:
        """Supervisor's programs of a kind."""
        return [each for each in self.programs if service_kind([each.command], each.name) == kind]

    def counted_names(self, kind: str) -> list[str]:
        """Whatever of a kind has a number of workers in a file: supervisor's programs and systemd's units."""
        names = [program.name for program in self.programs_of(kind)]
        names += [unit.name for unit in self.units if unit.kind == kind]
        return [name for name in names if name in self.program_counts]

    def present(self) -> dict[str, int]:
        """The present numbers by key: as programs and units are started, else as configured, else as they run."""
        counts = self.program_counts
        web = [counts[name] for name in self.counted_names("web")]
        queue = [counts[name] for name in self.counted_names("worker")]
        live = sum(len(master.worker_pids) for master in self.masters)
        return {
            WEB_KEY: max(web, default=int(self.common.get(WEB_KEY) or live or 1)),
            QUEUE_KEY: max(queue, default=int(self.common.get(QUEUE_KEY) or 1)),
        }

    def live_workers(self) -> dict[str, list[Service]]:
        """The services of the queues that supervisor keeps, by its program."""
        names = {program.name for program in self.programs_of("worker")}
        found: dict[str, list[Service]] = {name: [] for name in names}
        for service in self.services:
            name = service.name.rpartition(":")[2].rpartition("-")[0]
            if service.manager == "supervisor" and name in names:
                found[name].append(service)
        return found

    def queue_workers(self) -> list[QueueWorker]:
        """RQ's workers of the bench on this host."""
        queue = Queue(self.queue_url, bench_id(self.common, self.bench.path))
        return find_queue_workers(queue, socket.gethostname(), self.services, self.host)

    @property
    def queue_url(self) -> str:
        """The URL of the queue's Redis; it may hold a password."""
        return redis_addresses(self.common)[1]


def _set(request: CountRequest, look: _Look, counts: Mapping[str, int]) -> _Outcome:
    programs = {
        **dict.fromkeys(look.counted_names("web"), counts[WEB_KEY]),
        **dict.fromkeys(look.counted_names("worker"), counts[QUEUE_KEY]),
    }
    present = look.program_counts
    changed_keys = {key: count for key, count in counts.items() if look.common.get(key) != count}
    if request.changes and (changed_keys or programs != {name: present[name] for name in programs}):
        remember_counts(request.originals_path, present, look.present()[WEB_KEY])
    configured = run_present(request.configuration, changed_keys, {}, []) if changed_keys else {"diff": {}}
    outcome = _set_programs(request, look, programs, counts[WEB_KEY])
    before, after = configured["diff"].get("before", {}), configured["diff"].get("after", {})
    return _Outcome({**before, **outcome.before}, {**after, **outcome.after}, outcome.lines)


def remember_counts(path: Path, programs: Mapping[str, int], web: int) -> None:
    """Remember what is there before a change; what is remembered already stays.

    Args:
        path: The file for it.
        programs: The numbers of supervisor's programs and systemd's units; a unit that is stopped is not known.
        web: How many web workers there are.
    """
    remembered: dict[str, Any] = {"programs": {}, "web": web}
    with suppress(FileNotFoundError):
        remembered = json.loads(path.read_bytes())
    make_private_folder(path.parent)
    write_json_atomically(path, {**remembered, "programs": {**programs, **remembered["programs"]}})


def _set_programs(request: CountRequest, look: _Look, programs: Mapping[str, int], web: int) -> _Outcome:
    present = look.program_counts
    different = {name: count for name, count in programs.items() if present[name] != count}
    groups = {
        services[0].name.partition(":")[0]
        for name, services in look.live_workers().items()
        if services and name in programs and (name in different or len(services) != programs[name])
    }
    live = {master.pid: len(master.worker_pids) for master in look.masters}
    steps = {pid: web - count for pid, count in live.items() if count != web}
    templates = {unit.name: programs[unit.name] for unit in look.units if unit.name in programs}
    instances = plan_instances(look.services, templates, different)
    lines = _lines(look, different, groups, steps)
    lines += [f"{name}: started." for name in instances.starting]
    lines += [f"{name}: ends after its job." for name in instances.ending]
    before: dict[str, Any] = {name: present[name] for name in different}
    after: dict[str, Any] = dict(different)
    before.update({f"workers of process {pid}": live[pid] for pid in steps})
    after.update({f"workers of process {pid}": web for pid in steps})
    after.update({f"group {group}": "started anew after its jobs" for group in groups})
    after.update(dict.fromkeys(instances.starting, "started"))
    after.update(dict.fromkeys(instances.ending, "ends after its job"))
    if request.changes and after:
        facts: dict[str, Any] = {
            "module": MODULE_NAME,
            "action": "set",
            "bench": str(request.bench.path),
            "counts": dict(programs),
        }
        with bench_lock(request.state_path, request.bench).hold(MODULE_NAME), recorded(request.state_path, **facts):
            for path in {program.path for program in look.programs if program.name in different}:
                replace_text(path.resolve(), with_program_counts(path.read_text(), different))
            for pid, difference in steps.items():
                for _number in range(abs(difference)):
                    request.kill(pid, signal.SIGTTIN if difference > 0 else signal.SIGTTOU)
            _update_groups(request, look, groups)
            busy = _unit_control(request, look).apply(look.units, programs, instances)
            lines += [
                f"{name} still runs its job after half an hour: it ends by itself, and is not started again."
                for name in busy
            ]
    return _Outcome(before, after, lines)


def _update_groups(request: CountRequest, look: _Look, groups: set[str]) -> None:
    if not groups:
        return
    for client in control_commands(request.bench, look.host.processes, look.host.surroundings.root):
        request.run([*client, "reread"])
        answer = request.run([*client, "update", *sorted(groups)])
        if answer.exit_code or "ERROR" in answer.output:
            raise LifeboatError(
                f"Cannot start {', '.join(sorted(groups))} with its new number of processes: supervisor refuses it. "
                "Its configuration is written; run supervisorctl update and read what it says.",
                "command_failed",
            )


def _unit_control(request: CountRequest, look: _Look) -> UnitControl:
    def ask(worker: QueueWorker) -> bool:
        return ask_to_end(look.queue_url, worker, MANAGER_SECONDS, request.kill)

    return UnitControl(request.run, lambda: _Look(request.bench).queue_workers(), ask, MANAGER_SECONDS)


def _lines(look: _Look, different: Mapping[str, int], groups: set[str], steps: Mapping[int, int]) -> list[str]:
    units = {unit.name for unit in look.units}
    lines = [
        f"{name}: {count} in {'systemd' if name in units else 'supervisor'}'s configuration."
        for name, count in sorted(different.items())
    ]
    lines += [f"gunicorn (process {pid}): {difference:+d} workers, live." for pid, difference in steps.items()]
    lines += [f"Group {group}: started anew, after the jobs that its workers run." for group in sorted(groups)]
    lines += [
        f"{name} is not as `bench setup systemd` writes it: its number of workers stays."
        for name in uncounted_names(look.services, look.units)
    ]
    is_under_systemd = any(service.manager == "systemd" for service in look.services)
    if is_under_systemd and not any(service.kind == "worker" for service in look.services):
        lines.append(
            "systemd has loaded no worker of the queues: where they are stopped, start them and run this again."
        )
    return lines


def _result(outcome: _Outcome, proposals: list[CountProposal], lines: list[str]) -> dict[str, Any]:
    return {
        "changed": outcome.before != outcome.after,
        "proposals": [asdict(proposal) for proposal in proposals],
        "lines": lines,
        "diff": {"before": outcome.before, "after": outcome.after},
    }
