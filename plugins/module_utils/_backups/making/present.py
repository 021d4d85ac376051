"""The state that a scheduler asks for: a set of the site that is new enough, and what to say about it."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable

from ..._mariadb.connection import connect
from ..._system.progress import ProgressReporter
from ..manifest import PHYSICAL, Manifest, read_manifest
from .backup import make_backup
from .plan import BackupPlan
from .request import BackupRequest, plan_backup
from .set_maker import MadeSet
from .source import read_source

Recorder = Callable[[], AbstractContextManager[dict[str, Any]]]


def bring_to_state(
    request: BackupRequest, check_mode: bool, progress: ProgressReporter, recorder: Recorder
) -> dict[str, Any]:
    """Make a set unless the newest one will do, and return the result of the module.

    Args:
        request: What was asked for.
        check_mode: Only say what would be done.
        progress: Is told how far it is.
        recorder: Opens the record of what was done; it gets the facts of the set.

    Raises:
        LifeboatError: What ``make_backup`` and ``read_source`` raise.
    """
    started = time.monotonic()
    with closing(connect(request.login)) as connection:
        source = read_source(request.site, connection, PHYSICAL in request.kinds)
        plan = plan_backup(request, source, datetime.now(timezone.utc))
        made: MadeSet | None = None
        if plan.needed and not check_mode:
            with recorder() as record:
                made = make_backup(request, source, connection, progress)
                if made is not None:
                    record.update(_facts_for_record(made))
    return _result(request, plan, made, check_mode, round(time.monotonic() - started, 3))


def _result(
    request: BackupRequest, plan: BackupPlan, made: MadeSet | None, check_mode: bool, seconds: float
) -> dict[str, Any]:
    described = describe_set(made.manifest, made.folder) if made else _newest(request, plan.newest)
    # Another backup that ended just before this one began can have made the set that was needed.
    changed = made is not None or (check_mode and plan.needed)
    after = described.get("name", "") if made else "a new set"
    return {
        "changed": changed,
        "diff": {"before": {"newest_set": plan.newest}, "after": {"newest_set": after}} if changed else {},
        "plan": plan.as_dict(),
        "set": described,
        "verified": made.depth if made else "",
        "notes": list(made.notes) if made else [],
        "steps": list(made.steps) if made else [],
        "seconds": seconds,
    }


def describe_set(manifest: Manifest, folder: Path) -> dict[str, Any]:
    """Return what is to be known of a set at a glance, as JSON values."""
    rows = [table.rows for table in manifest.tables if table.rows is not None]
    return {
        "name": manifest.name,
        "folder": str(folder),
        "kinds": list(manifest.kinds),
        "size_bytes": sum(file.size_bytes for file in manifest.files),
        "files": len(manifest.files),
        "recovery_point": manifest.recovery_point,
        "position": manifest.position.as_dict() if manifest.position else None,
        "encryption": manifest.encryption,
        "encryption_key_fingerprint": manifest.encryption_key_fingerprint,
        "tables": len(manifest.tables),
        "rows": sum(rows) if rows else None,
        "inexact_tables": [table.name for table in manifest.inexact_tables],
        "previous": manifest.previous.name if manifest.previous else "",
    }


def _newest(request: BackupRequest, name: str) -> dict[str, Any]:
    if not name:
        return {}
    folder = request.repository.site_folder(request.site.name) / name
    return describe_set(read_manifest(folder), folder)


def _facts_for_record(made: MadeSet) -> dict[str, Any]:
    described = describe_set(made.manifest, made.folder)
    return {"set": described["name"], "bytes": described["size_bytes"], "steps": list(made.steps)}
