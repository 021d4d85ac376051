"""Puts the record of one drill together. Pure; its shape is ``docs/drill-record.schema.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._backups.drill_records import FAILED as DRILL_FAILED
from .._backups.drill_records import PASSED
from .findings import FAILED, Finding, failed_texts
from .lock import RunningDrill
from .phases import OF_A_RECOVERY, PROVE, Phases
from .point import DrillPoint
from .trend import Trend

SCHEMA_VERSION = 1
TIME_FINDINGS = frozenset({"budget", "trend"})
SET_KEYS = (
    *("name", "folder", "location", "kinds", "size_bytes", "recovery_point", "encrypted", "versions"),
    "manifest_sha256",
)
REPLAY_KEYS = ("target", "gtid", "bytes", "transactions")


def drill_error(site: str, findings: Sequence[Finding]) -> dict[str, str] | None:
    """Return the code and the reason with which proofs fail a drill; None when all passed."""
    failed = [finding for finding in findings if finding.outcome == FAILED]
    if not failed:
        return None
    only_time = all(finding.name in TIME_FINDINGS for finding in failed)
    said = "was recovered in a drill, but too slowly" if only_time else "could not be proven in a drill"
    return {
        "code": "drill_too_slow" if only_time else "drill_failed",
        "reason": f"{site} {said}: {' '.join(failed_texts(failed))}",
    }


def summarise_drill(
    *,
    running: RunningDrill,
    bench_path: str,
    kind: str,
    point: DrillPoint | None,
    plan: Mapping[str, Any],
    phases: Phases,
    findings: Sequence[Finding],
    trend: Trend | None,
    ended_at: str,
    error: Mapping[str, str] | None,
) -> dict[str, Any]:
    """Return the record: JSON values; no secret and no row is in it.

    Args:
        running: Which drill, by whom, since when.
        bench_path: The bench of the site.
        kind: How it was recovered, what drills are compared by; "" when it did not come so far.
        point: What was to be recovered; None when that could not be chosen.
        plan: As a recovery's, or at least its ``set``; empty when none was found.
        phases: What was measured.
        findings: What was proven.
        trend: How the time stands among others; None when it did not come so far.
        ended_at: RFC 3339.
        error: ``code`` and ``reason`` of what failed it; None when it passed.
    """
    drilled = plan.get("set")
    is_recovered = phases.seconds(PROVE) > 0
    return {
        "schema_version": SCHEMA_VERSION,
        "drill": running.drill,
        "site": running.site,
        "bench_path": bench_path,
        "host": running.host,
        "user": running.user,
        "outcome": DRILL_FAILED if error else PASSED,
        "kind": kind,
        "point": point.as_dict() if point else None,
        "set": _only(drilled, SET_KEYS),
        "recovery_point": plan.get("recovery_point") or (drilled or {}).get("recovery_point"),
        "replay": _only(plan.get("replay"), REPLAY_KEYS),
        "started_at": running.since,
        "ended_at": ended_at,
        "seconds": phases.seconds(*OF_A_RECOVERY, PROVE),
        "rto_seconds": phases.seconds(*OF_A_RECOVERY) if is_recovered else None,
        "phases": [phase.as_dict() for phase in phases.measured],
        "findings": [finding.as_dict() for finding in findings],
        "trend": trend.as_dict() if trend else None,
        "error": dict(error) if error else None,
    }


def _only(values: Mapping[str, Any] | None, keys: Sequence[str]) -> dict[str, Any] | None:
    return {key: values[key] for key in keys if key in values} if values else None


def record_of_dead(dead: RunningDrill, bench_path: str, ended_at: str) -> dict[str, Any]:
    """Return the record of a drill that was ended from outside, as the one after it finds it."""
    where = f" during {dead.phase}" if dead.phase else ""
    return summarise_drill(
        running=dead,
        bench_path=bench_path,
        kind="",
        point=None,
        plan={},
        phases=Phases(lambda _phase, _event: None),
        findings=(),
        trend=None,
        ended_at=ended_at,
        error={
            "code": "module_killed",
            "reason": f"The drill was ended from outside{where}. What it left was removed by the next one.",
        },
    )
