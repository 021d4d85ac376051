"""One look at a bench: its health, its numbers, and what would help; nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .._bench.layout import Bench
from .._checks.examination import examine
from .._checks.findings import CRITICAL, WARNING
from .._checks.options import read_options
from .._checks.patience import PATIENT
from .._checks.targets.bench import BenchTarget
from .._checks.targets.host import HOST_NAME, Host
from .._checks.targets.target import Surroundings
from .._mariadb.connection import LoginOptions
from .._system.errors import LifeboatError
from .advice import ADVICE, CHECKS, REFUSED, advice_lines, work_out
from .count_plan import propose_counts
from .count_run import present_counts
from .measures import comparison_lines, measure_lines, take_measures
from .redis_run import RedisRequest, planned_changes
from .rolling_plan import NEEDED, RestartStep, RestartWish
from .rolling_run import RollingRequest, planned_steps


@dataclass(frozen=True)
class InfoRequest:
    """What is looked at and for how long; ``before`` has the numbers of an earlier look, nothing for none."""

    bench: Bench
    state_path: Path
    login: LoginOptions
    seconds: float
    probe_path: str
    most_web_worker_bytes: int
    before: Mapping[str, Any]


def look_at(request: InfoRequest) -> dict[str, Any]:
    """Measure a bench and work out what would help.

    Raises:
        LifeboatError: ``bench_unmeasurable``, ``redis_unavailable``, ``library_missing``.
    """
    surroundings = Surroundings(patience=PATIENT)
    options = read_options(
        {
            "checks": list(CHECKS),
            "bench_path": str(request.bench.path),
            "state_path": str(request.state_path),
            "deadline_seconds": PATIENT.deadline_seconds,
        }
    )
    examination = examine(replace(options, login=request.login), surroundings, remember=False)
    host = Host(HOST_NAME, surroundings, [request.bench])
    measures = take_measures(BenchTarget(request.bench, surroundings), host, request.seconds, request.probe_path)
    advice = work_out(
        examination.findings,
        planned_changes(RedisRequest(request.bench, request.state_path, ("cache", "queue"), None, check_mode=True)),
        propose_counts(measures, present_counts(request.bench)),
        _restarts(request),
    )
    if request.before:
        # What is for a person was said before; what is left of the rest is news.
        left = [each for each in advice if each.action != ADVICE]
        lines = [*comparison_lines(request.before, measures), *(advice_lines(left) if left else [])]
    else:
        lines = [*measure_lines(measures), *advice_lines(advice)]
    return {
        "changed": False,
        "measures": measures.as_dict(),
        "findings": [each.as_dict() for each in examination.findings if each.severity in (CRITICAL, WARNING)],
        "advice": [asdict(each) for each in advice],
        "lines": lines,
    }


def _restarts(request: InfoRequest) -> list[RestartStep]:
    wish = RestartWish(when=NEEDED, most_web_worker_bytes=request.most_web_worker_bytes)
    try:
        return planned_steps(RollingRequest(request.bench, request.state_path, wish))
    except LifeboatError as error:
        if error.error_code != "restart_refused":
            raise
        return [RestartStep(REFUSED, str(request.bench.path), 0, "", error.message.rstrip("."))]
