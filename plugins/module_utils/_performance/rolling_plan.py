"""Which processes of a bench are started anew, how, in which order, and why: worked out before one is touched. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .._bench.service import Service
from .._system.errors import LifeboatError
from .._system.quantities import bytes_text, duration_text
from .queue_workers import QueueWorker
from .web_masters import WebMaster

WEB, WORKERS, SCHEDULER = "web", "workers", "scheduler"
SERVICES = (WEB, WORKERS, SCHEDULER)
ALWAYS, NEEDED = "always", "needed"

# How a web server is started anew. RELOAD: the master stays and replaces its workers (SIGHUP). UPGRADE: a new master
# takes the sockets over (SIGUSR2, SIGWINCH, SIGQUIT). STAND_IN: another one serves while the manager restarts it.
RELOAD, UPGRADE, STAND_IN = "reload", "upgrade", "stand_in"
WARM, RESTART = "warm", "restart"
_WAYS = {
    RELOAD: "its workers are replaced",
    UPGRADE: "a new master takes its sockets over",
    STAND_IN: "a second web server serves while it is restarted",
    WARM: "it ends after its job, and another one takes its place",
    RESTART: "it is restarted",
}
# What a second web server may take, compared with the first one, whose pages were shared when it forked.
STAND_IN_MARGIN = 1.2


@dataclass(frozen=True)
class Scheduler:
    """The process that puts jobs into the queues when they are due."""

    service: Service
    loaded_at_seconds: float


@dataclass(frozen=True)
class RestartFacts:
    """What there is.

    Attributes:
        masters: The web servers of the bench.
        workers: Its workers.
        schedulers: Its schedulers.
        code_changed_at_seconds: When the code of its apps was changed last, as Unix time; 0 where there is none.
        has_nginx: Whether an nginx of this host sends requests to the bench, and can send them elsewhere.
        available_bytes: The memory that is available.
    """

    masters: tuple[WebMaster, ...]
    workers: tuple[QueueWorker, ...]
    schedulers: tuple[Scheduler, ...]
    code_changed_at_seconds: float
    has_nginx: bool
    available_bytes: int


@dataclass(frozen=True)
class RestartWish:
    """What is asked for: which services, whether in any case or where needed, and what a web worker may take."""

    services: tuple[str, ...] = SERVICES
    when: str = ALWAYS
    most_web_worker_bytes: int = 1024**3


@dataclass(frozen=True)
class RestartStep:
    """One process that is started anew: which service, its name, its process, the way, and why."""

    kind: str
    subject: str
    pid: int
    way: str
    reason: str


def plan_restart(facts: RestartFacts, wish: RestartWish) -> list[RestartStep]:
    """Return the processes to start anew, in their order: what users wait for first.

    Args:
        facts: What there is.
        wish: What is asked for.

    Raises:
        LifeboatError: ``restart_refused`` where a process could not be started anew without a failed request or a
            worker that stays away.
    """
    steps: list[RestartStep] = []
    if WEB in wish.services:
        steps += [step for master in facts.masters for step in _web_steps(master, facts, wish)]
    if SCHEDULER in wish.services:
        steps += [
            RestartStep(SCHEDULER, each.service.name, each.service.pid or 0, RESTART, reason)
            for each in facts.schedulers
            if (reason := _code_reason(each.loaded_at_seconds, facts, wish))
        ]
    if WORKERS in wish.services:
        steps += [step for worker in facts.workers for step in _worker_steps(worker, facts, wish)]
    return steps


def plan_lines(steps: Collection[RestartStep], wish: RestartWish) -> list[str]:
    """Say for people what is started anew."""
    if not steps:
        return [f"Nothing to restart: {', '.join(wish.services)} run the present code within their bounds."]
    return [
        f"{step.kind} {step.subject} (process {step.pid}): {_WAYS[step.way]}, because {step.reason}." for step in steps
    ]


def _web_steps(master: WebMaster, facts: RestartFacts, wish: RestartWish) -> Iterable[RestartStep]:
    name = master.service.name if master.service else f"gunicorn-{master.pid}"
    code_reason, memory_reason = _code_reason(master.loaded_at_seconds, facts, wish), _memory_reason(master, wish)
    if not code_reason and not memory_reason:
        return
    if not code_reason or not master.is_preloading:
        yield RestartStep(WEB, name, master.pid, RELOAD, code_reason or memory_reason)
        return
    # It loaded the application before it forked, so workers that it forks anew have the code of before.
    if master.service is None:
        yield RestartStep(WEB, name, master.pid, UPGRADE, code_reason)
        return
    if not facts.has_nginx:
        raise _refused(
            name,
            "gunicorn runs with --preload, so only a new master has new code, and no nginx of this host sends it its "
            "requests, which could serve them elsewhere meanwhile",
            "Restart it in a quiet hour, or start gunicorn without --preload.",
        )
    yield RestartStep(WEB, name, master.pid, STAND_IN, code_reason)


def _worker_steps(worker: QueueWorker, facts: RestartFacts, wish: RestartWish) -> Iterable[RestartStep]:
    reason = _code_reason(worker.loaded_at_seconds, facts, wish)
    if not reason:
        return
    if worker.service is None:
        raise _refused(
            f"the worker of {', '.join(worker.queues)} (process {worker.pid})",
            "neither supervisor nor systemd manages it, so nothing would start it again",
            "Let one of them manage it, or leave workers out of services.",
        )
    yield RestartStep(WORKERS, worker.service.name, worker.pid, WARM, reason)


def check_memory(masters: Iterable[WebMaster], steps: Iterable[RestartStep], available_bytes: int) -> None:
    """Refuse a restart for which a second web server has to run where there is no memory for it.

    Args:
        masters: The web servers.
        steps: The plan.
        available_bytes: The memory that is available.

    Raises:
        LifeboatError: ``restart_refused``.
    """
    planned = {step.pid: step for step in steps if step.kind == WEB}
    for master in masters:
        step = planned.get(master.pid)
        if step is None or not master.worker_bytes:
            continue
        count = 1 if step.way == RELOAD else len(master.worker_bytes)
        needed = int(max(master.worker_bytes) * (count + 1) * STAND_IN_MARGIN)
        if needed > available_bytes:
            raise _refused(
                step.subject,
                f"a second web server beside it needs about {bytes_text(needed)}, and {bytes_text(available_bytes)} of "
                "memory are available",
                "Give the host more memory, or the bench fewer workers.",
            )


def _code_reason(loaded_at_seconds: float, facts: RestartFacts, wish: RestartWish) -> str:
    late = facts.code_changed_at_seconds - loaded_at_seconds
    if late > 0:
        return f"its code was changed {duration_text(late)} after it was started"
    return "it was asked for" if wish.when == ALWAYS else ""


def _memory_reason(master: WebMaster, wish: RestartWish) -> str:
    most = max(master.worker_bytes, default=0)
    if most <= wish.most_web_worker_bytes:
        return ""
    return f"a worker of it takes {bytes_text(most)}, more than {bytes_text(wish.most_web_worker_bytes)}"


def _refused(what: str, why: str, advice: str) -> LifeboatError:
    return LifeboatError(f"Refused to restart {what}: {why}. Nothing was restarted. {advice}", "restart_refused")
