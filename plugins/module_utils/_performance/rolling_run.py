"""One rolling restart of a bench: under its lock, process by process, each proven before the next, with a record."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Callable

from .._bench.configuration import bench_id, read_configuration, redis_addresses, webserver_port
from .._bench.layout import ROOT, Bench
from .._bench.service import Service
from .._bench.service_control import restart_service, start_service
from .._bench.services import find_services, reload_web
from .._bench.web import fetch, local_url
from .._checks.subjects.host_memory import usable_memory
from .._checks.targets.host import HOST_NAME, Host
from .._checks.targets.target import Surroundings
from .._queue.jobs import Queue
from .._recovery.record import recorded
from .._system.commands import CommandRunner, run_command
from .._system.errors import LifeboatError
from .._system.files import make_private_folder, write_json_atomically
from .bench_state import bench_folder, bench_lock
from .nginx_upstream import find_upstreams, naming, switch
from .queue_workers import QueueWorker, find_queue_workers
from .rolling_plan import (
    RELOAD,
    SCHEDULER,
    STAND_IN,
    UPGRADE,
    WEB,
    RestartFacts,
    RestartStep,
    RestartWish,
    Scheduler,
    check_memory,
    plan_lines,
    plan_restart,
)
from .stand_in import StandIn, start_stand_in, stop_stand_in, wait_until_serving
from .upgrade import upgrade
from .web_masters import WebMaster, find_web_masters
from .worker_restart import restart_worker

MODULE_NAME = "rolling_restart"
POLL_SECONDS = 0.05
# A manager waits for the end of what it stops: 40 seconds for bench's web server, and some for its start.
MANAGER_SECONDS = 120
# How long a worker that is just being started is waited for: supervisor tells its process after a second.
STARTING_SECONDS = 20.0

_run_patiently = partial(run_command, timeout_seconds=MANAGER_SECONDS)


@dataclass(frozen=True)
class RollingRequest:
    """What is restarted and how patiently.

    Attributes:
        bench: The bench.
        state_path: The folder of the collection's state.
        wish: Which services, and when.
        probe_path: What each site is asked for, to tell whether it is served.
        timeout_seconds: For how long one web server, and one worker's job, is waited for.
        drain_seconds: For how long connections of before are waited for.
    """

    bench: Bench
    state_path: Path
    wish: RestartWish = field(default_factory=RestartWish)
    probe_path: str = "/login"
    timeout_seconds: float = 300
    drain_seconds: float = 30
    run: CommandRunner = _run_patiently
    root: Path = ROOT
    clock: Callable[[], float] = time.monotonic

    @property
    def journal_path(self) -> Path:
        """Where a stand-in is noted while requests go to it."""
        return bench_folder(self.state_path, self.bench) / "stand-in.json"

    @property
    def log_path(self) -> Path:
        """What the last stand-in printed."""
        return self.journal_path.with_name("stand-in.log")


def run_rolling_restart(request: RollingRequest, check_mode: bool) -> dict[str, Any]:
    """Start the processes of a bench anew, one at a time, without a failed request and without a lost job.

    Raises:
        LifeboatError: ``restart_refused`` before anything was touched, ``restart_failed`` when a process did not come
            back as it was, ``site_locked``, ``bench_not_found``, ``redis_unavailable``, ``command_failed``.
    """
    if check_mode:
        return _result(request, planned_steps(request), [], [])
    with bench_lock(request.state_path, request.bench).hold(MODULE_NAME):
        make_private_folder(request.journal_path.parent)
        resumed = _finish_earlier(request)
        look = _settled_look(request)
        steps = _planned(look, request)
        busy: list[str] = []
        if steps:
            with recorded(
                request.state_path, module=MODULE_NAME, action="restarted", bench=str(request.bench.path)
            ) as facts:
                busy = [step.subject for step in steps if not _restart(step, look, request)]
                facts["restarted"] = [step.subject for step in steps]
        return _result(request, steps, busy, resumed)


class _Look:
    """The bench as it is now."""

    def __init__(self, request: RollingRequest) -> None:
        surroundings = Surroundings(root=request.root, runner=request.run)
        self.bench = request.bench
        self.host = Host(HOST_NAME, surroundings, [request.bench])
        common = read_configuration(request.bench.common_config_path)
        self.web_port = webserver_port(common)
        self.queue_url = redis_addresses(common)[1]
        self.queue = Queue(self.queue_url, bench_id(common, request.bench.path), proc_path=request.root / "proc")
        self.services = find_services(request.bench, request.run, request.root)

    def masters(self) -> list[WebMaster]:
        """The web servers."""
        return find_web_masters(self.bench, self.services, self.host)

    def workers(self) -> list[QueueWorker]:
        """The workers of the queues."""
        return find_queue_workers(self.queue, socket.gethostname(), self.services, self.host)

    def service(self, name: str) -> Service:
        """The service of a name."""
        return next(service for service in self.services if service.name == name)


def planned_steps(request: RollingRequest) -> list[RestartStep]:
    """Return what a restart would start anew; raises as ``run_rolling_restart``."""
    return _planned(_settled_look(request), request)


def _settled_look(request: RollingRequest) -> _Look:
    """Look at a bench when none of its workers is just being started, and so seems to have no manager."""
    deadline = request.clock() + STARTING_SECONDS
    while True:
        look = _Look(request)
        is_starting = any(service.kind == "worker" and service.pid is None for service in look.services)
        if not is_starting or all(worker.service for worker in look.workers()) or request.clock() >= deadline:
            return look
        time.sleep(POLL_SECONDS)


def _planned(look: _Look, request: RollingRequest) -> list[RestartStep]:
    wanted = request.wish.services
    by_pid = {process.pid: process for process in look.host.processes}
    facts = RestartFacts(
        masters=tuple(look.masters()),
        workers=tuple(look.workers()) if "workers" in wanted else (),
        schedulers=tuple(
            Scheduler(service, look.host.started_at_seconds(by_pid[service.pid]))
            for service in look.services
            if service.kind == "schedule" and service.manager != "process" and service.pid in by_pid
        ),
        code_changed_at_seconds=newest_code_seconds(request.bench),
        has_nginx=bool(find_upstreams(look.web_port, request.run, request.root)),
        available_bytes=usable_memory(look.host)[1],
    )
    steps = plan_restart(facts, request.wish)
    check_memory(facts.masters, steps, facts.available_bytes)
    return steps


def newest_code_seconds(bench: Bench) -> float:
    """Return when the Python code of a bench's apps was changed last, as Unix time; 0 where there is none."""
    newest = 0.0
    for folder, names, files in os.walk(bench.apps_path):
        names[:] = [name for name in names if name not in {"node_modules", ".git", "__pycache__"}]
        for name in files:
            if name.endswith(".py"):
                with suppress(OSError):
                    newest = max(newest, Path(folder, name).stat().st_mtime)
    return newest


def _restart(step: RestartStep, look: _Look, request: RollingRequest) -> bool:
    """Do one step; False where what it restarts still finishes its job, and comes back after that by itself."""
    if step.kind == WEB:
        master = next(master for master in look.masters() if master.pid == step.pid)
        _restart_web(step, master, look, request)
        return True
    if step.kind == SCHEDULER:
        restart_service(look.service(step.subject), look.bench, request.run, request.root)
        return True
    # One that was told to end before has done so meanwhile: its manager started another.
    workers = [worker for worker in look.workers() if worker.pid == step.pid]
    return all(_restart_worker(worker, look, request) for worker in workers)


def _restart_web(step: RestartStep, master: WebMaster, look: _Look, request: RollingRequest) -> None:
    sites = [site.name for site in request.bench.sites()]
    baseline = {site: fetch(local_url(look.web_port), site, request.probe_path).status for site in sites}
    # Whatever the way: new code that does not serve must be known before the old one is gone.
    workers = 1 if step.way == RELOAD else max(1, len(master.worker_pids))
    stand_in = start_stand_in(master, workers, request.log_path, request.root)
    upstreams = find_upstreams(look.web_port, request.run, request.root) if step.way == STAND_IN else []
    files = [path for upstream in upstreams for path in upstream.files]
    note = {
        **asdict(stand_in),
        "service": step.subject,
        "web_port": look.web_port,
        "baseline": baseline,
        "files": list(map(str, files)),
    }
    write_json_atomically(request.journal_path, note)
    try:
        problem = wait_until_serving(
            stand_in.port, stand_in.pid, baseline, request.probe_path, request.timeout_seconds, request.clock
        )
        if problem:
            raise LifeboatError(
                f"Refused to restart {step.subject}: a second web server with the present code does not serve "
                f"({problem}). The one of before was not touched and goes on serving. Read {request.log_path}, correct "
                "the code or its environment, then run this again.",
                "restart_refused",
                {"service": step.subject},
            )
        if step.way == STAND_IN:
            for upstream in upstreams:
                switch(upstream, look.web_port, stand_in.port, request.run, request.drain_seconds, request.root)
            restart_service(look.service(step.subject), look.bench, request.run, request.root)
        elif step.way == UPGRADE:
            upgrade(master, request.timeout_seconds, request.root, clock=request.clock)
        else:
            reload_web([master.pid], request.timeout_seconds, request.root)
        _require_serving(step.subject, look.web_port, baseline, request)
        _send_back(stand_in, look.web_port, files, request)
    finally:
        # Where requests go to it, it is all that serves: the next run goes on from there.
        if not naming(files, stand_in.port):
            stop_stand_in(stand_in, request.drain_seconds)
            request.journal_path.unlink()


def _require_serving(service: str, port: int, baseline: dict[str, int], request: RollingRequest) -> None:
    problem = wait_until_serving(port, None, baseline, request.probe_path, request.timeout_seconds, request.clock)
    if problem:
        raise LifeboatError(
            f"Cannot restart {service}: it does not serve as it did before ({problem}). Where nginx was told of a "
            "second web server, that one goes on serving. Read its log, correct what it says, then run this "
            "again.",
            "restart_failed",
            {"service": service},
        )


def _send_back(stand_in: StandIn, web_port: int, files: Sequence[Path], request: RollingRequest) -> None:
    for upstream in find_upstreams(stand_in.port, request.run, request.root):
        switch(upstream, stand_in.port, web_port, request.run, request.drain_seconds, request.root)
    left = naming(files, stand_in.port)
    if left:
        raise LifeboatError(
            f"Cannot send the requests back to port {web_port}: nginx does not run, or refuses its configuration. "
            f"{left[0]} still names port {stand_in.port}, where a second web server goes on serving. Run nginx -t, "
            "correct what it says, then run this again.",
            "restart_failed",
        )


def _finish_earlier(request: RollingRequest) -> list[str]:
    """Bring an earlier restart to its end that was killed, or failed, while a stand-in served."""
    try:
        note = json.loads(request.journal_path.read_bytes())
    except FileNotFoundError:
        return []
    stand_in = StandIn(note["pid"], note["identity"], note["port"])
    service = next((each for each in _Look(request).services if each.name == note["service"]), None)
    if service and service.pid is None:
        start_service(service, request.bench, request.run, request.root)
    _require_serving(note["service"], note["web_port"], note["baseline"], request)
    _send_back(stand_in, note["web_port"], list(map(Path, note["files"])), request)
    stop_stand_in(stand_in, request.drain_seconds)
    request.journal_path.unlink()
    return [f"An earlier restart of {note['service']} was brought to its end: requests go to it again."]


def _restart_worker(worker: QueueWorker, look: _Look, request: RollingRequest) -> bool:
    def start_again() -> None:
        service = _Look(request).service(worker.service.name) if worker.service else None
        if service is not None and service.pid is None:
            start_service(service, request.bench, request.run, request.root)

    return restart_worker(worker, look.queue_url, look.queue, request.timeout_seconds, start_again, request.clock)


def _result(
    request: RollingRequest, steps: Sequence[RestartStep], busy: Sequence[str], resumed: Sequence[str]
) -> dict[str, Any]:
    lines = [*resumed, *plan_lines(steps, request.wish)]
    lines += [f"{name} still finishes its job; it is started anew after that." for name in busy]
    return {
        "changed": bool(steps or resumed),
        "steps": [asdict(step) for step in steps],
        "busy": list(busy),
        "lines": lines,
        "diff": {"before": {}, "after": {step.subject: step.way for step in steps}},
    }
