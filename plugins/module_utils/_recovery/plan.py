"""The plan of a recovery: what will be replaced by what, what it costs, what speaks against it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from .._backups.sets import BackupSet
from .._system.times import parse_rfc3339
from .checks import Check
from .estimate import StepEstimate
from .replay_plan import ReplayPlan
from .work import RecoveryWork


@dataclass(frozen=True)
class LiveSite:
    """What is live before the recovery.

    Attributes:
        site_exists: The site's folder is there.
        configuration: The site's configuration, empty where it is missing or invalid.
        configuration_valid: It could be read.
        database: The name of the live database, "" where it is not known.
        database_exists: The server has it.
        table_count: Its tables.
        data_bytes: Their size as the server reports it.
        scheduler_enabled: Whether scheduled jobs were enabled in it; None where that could not be read.
        maintenance_mode: Whether the site, or the whole bench, is closed for maintenance.
    """

    site_exists: bool
    configuration: Mapping[str, Any] = field(repr=False)
    configuration_valid: bool
    database: str
    database_exists: bool
    table_count: int
    data_bytes: int
    scheduler_enabled: bool | None
    maintenance_mode: bool


@dataclass(frozen=True)
class Space:
    """What one file system needs and has; ``free_bytes`` is None where it cannot be seen."""

    needed_bytes: int
    free_bytes: int | None


def build_plan(
    *,
    site: str,
    bench_path: Path,
    procedure: str,
    fetch_seconds: float,
    backup: BackupSet,
    skipped_sets: Sequence[Mapping[str, str]],
    replay: ReplayPlan | None,
    live: LiveSite,
    now: datetime,
    work: RecoveryWork,
    steps: Sequence[StepEstimate],
    space: Mapping[str, Space],
    checks: Sequence[Check],
    keep_days: int,
) -> dict[str, Any]:
    """Put the plan together as JSON values; no secret is in it."""
    recovery_point = replay.recovery_point if replay else backup.recovery_point
    described = backup.as_dict()
    described["skipped"] = [dict(skipped) for skipped in skipped_sets]
    return {
        "site": site,
        "bench_path": str(bench_path),
        "procedure": procedure,
        "fetch_seconds": fetch_seconds,
        "set": described,
        "replaces": {
            "exists": live.site_exists,
            "configuration_valid": live.configuration_valid,
            "db_name": live.database,
            "database_exists": live.database_exists,
            "tables": live.table_count,
            "bytes": live.data_bytes,
            "scheduler_enabled": live.scheduler_enabled,
            "maintenance_mode": live.maintenance_mode,
        },
        "replay": replay.as_dict() if replay else None,
        "undo": replay.undo.as_dict() if replay and replay.undo else None,
        "recovery_point": recovery_point,
        "data_loss_seconds": int((now - parse_rfc3339(recovery_point)).total_seconds()),
        "load": {"kind": work.kind, "reason": work.reason},
        "work": asdict(work),
        "estimate_seconds": round(sum(step.estimate_seconds for step in steps), 1),
        "steps": [asdict(step) for step in steps],
        "space": {name: asdict(need) for name, need in space.items()},
        "checks": [check.as_dict() for check in checks],
        "warnings": [check.text for check in checks if check.outcome == "warning"],
        "keeps_until": format_time(now + timedelta(days=keep_days)),
    }


def format_time(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC, to the second."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
