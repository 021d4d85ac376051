"""Puts the record of one recovery together from its journal. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from .._system.times import parse_rfc3339
from .journal import Entry
from .plan import format_time
from .promotion_state import CONFIGURATION_MISSING, PROMOTE
from .recommendations import recommend

SCHEMA_VERSION = 1
RECOVERED, ROLLED_BACK, FAILED = "recovered", "rolled_back", "failed"
DATABASE_STEP, FILES_STEP, FETCH_STEP = "staging_database", "staging_files", "fetch"
REST_STEP = f"{DATABASE_STEP}.rest"
ROLLBACK_COMMAND = "ansible-playbook lifeboat.frappe.recover{arguments} -e site={site} -e state=rolled_back"


def summarise_recovery(
    *,
    recovery: str,
    host: str,
    plan: Mapping[str, Any],
    entries: Sequence[Entry],
    outcome: str,
    ended_at: str,
    verification: Sequence[Mapping[str, Any]],
    assessment: Mapping[str, Any] | None,
    error: Mapping[str, str] | None,
    playbook_arguments: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the record: JSON values in the shape of ``docs/recovery-record.schema.json``.

    Args:
        recovery: The identifier of the recovery.
        host: The host whose journal this is.
        plan: The plan that it was begun with.
        entries: Its journal, oldest first.
        outcome: recovered, rolled_back or failed.
        ended_at: RFC 3339.
        verification: What was asked of the live site on each host: name, outcome, seconds, reason.
        assessment: What a procedure found before the recovery, or None.
        error: ``code`` and ``reason`` of what ended it, or None.
        playbook_arguments: What the command that rolls back needs besides the site, for example the inventory.
    """
    started_at = entries[0].at
    # A plan of an earlier release does not say it.
    fetch_seconds = float(plan.get("fetch_seconds", 0))
    promoted_at = _at(entries, PROMOTE)
    # A site that is closed for the end of its logs writes nothing from then on that could be lost.
    written_until = _at(entries, REST_STEP, "begin") or promoted_at or started_at
    proof = {"database": _fact(entries, "proof", DATABASE_STEP), "files": _fact(entries, "proof", FILES_STEP)}
    kept = _kept(plan, entries, outcome)
    replay = _replay(plan, entries)
    recovery_point = replay["recovery_point"] if replay else plan["recovery_point"]
    record: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "recovery": recovery,
        "site": plan["site"],
        "bench_path": plan["bench_path"],
        "host": host,
        "procedure": plan["procedure"],
        "outcome": outcome,
        "started_at": started_at,
        "ended_at": ended_at,
        "recovery_point": recovery_point,
        "rpo_seconds": max(0.0, _seconds_between(recovery_point, written_until)),
        "rto_seconds": round(_seconds_between(started_at, promoted_at) + fetch_seconds, 1) if promoted_at else None,
        "downtime_seconds": _fact(entries, "downtime_seconds"),
        "rollback_downtime_seconds": _fact(entries, "rollback_downtime_seconds"),
        "set": plan["set"],
        "replay": replay,
        "undo": plan.get("undo"),
        "replaced": plan["replaces"],
        "checks": plan["checks"],
        "steps": [*_fetched(plan["set"], fetch_seconds, started_at), *_timeline(entries)],
        "proof": proof,
        "verification": [dict(result) for result in verification],
        "assessment": assessment,
        "binary_log": _fact(entries, "binary_log"),
        "drained": _fact(entries, "drained"),
        "kept": kept,
        "rollback_command": _rollback_command(plan["site"], playbook_arguments, outcome, kept),
        "not_recovered": list((proof["files"] or {}).get("not_recovered", [])),
        "error": dict(error) if error else None,
    }
    return {**record, "recommendations": recommend(record)}


def _replay(plan: Mapping[str, Any], entries: Sequence[Entry]) -> dict[str, Any] | None:
    """Return what was to be replayed and, as far as it was, what was."""
    planned = plan.get("replay")
    if planned is None:
        return None
    names = ("target", "from", "until", "gtid", "before", "bytes", "transactions", "recovery_point", "window")
    return {**{name: planned[name] for name in names}, **(_fact(entries, "replayed") or {})}


def _rollback_command(site: str, playbook_arguments: Sequence[str], outcome: str, kept: Any) -> str | None:
    if outcome != RECOVERED or not kept:
        return None
    arguments = "".join(f" {shlex.quote(argument)}" for argument in playbook_arguments)
    return ROLLBACK_COMMAND.format(arguments=arguments, site=shlex.quote(site))


def _fetched(backup: Mapping[str, Any], fetch_seconds: float, started_at: str) -> list[dict[str, Any]]:
    """Return the step that came before the journal was begun, where the set had to be fetched."""
    if not fetch_seconds:
        return []
    began = format_time(parse_rfc3339(started_at) - timedelta(seconds=fetch_seconds))
    taken = {"seconds": fetch_seconds, "bytes": backup["size_bytes"]}
    return [{"name": FETCH_STEP, "started_at": began, **taken, "outcome": "done"}]


def _timeline(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    begun: dict[str, str] = {}
    timeline = []
    for entry in entries:
        if entry.event == "begin":
            begun[entry.step] = entry.at
        elif entry.event in ("done", "failed") and "seconds" in entry.facts:
            timeline.append(
                {
                    "name": entry.step,
                    "started_at": begun.get(entry.step, entry.at),
                    "seconds": entry.facts["seconds"],
                    "bytes": entry.facts.get("bytes"),
                    "outcome": entry.event,
                }
            )
    return sorted(timeline, key=lambda step: (step["started_at"], -step["seconds"]))


def _kept(plan: Mapping[str, Any], entries: Sequence[Entry], outcome: str) -> dict[str, Any] | None:
    intent = _fact(entries, "intent")
    if intent is None or (outcome == RECOVERED and intent["configuration"] == CONFIGURATION_MISSING):
        return None
    database = intent["replaced_database"] if outcome == RECOVERED else intent["database"]
    return {
        "database": database or None,
        "files": [tree["name"] for tree in intent["trees"]],
        "until": plan["keeps_until"],
    }


def _fact(entries: Sequence[Entry], name: str, step_prefix: str = "") -> Any:
    for entry in reversed(entries):
        if entry.step.startswith(step_prefix) and name in entry.facts:
            return entry.facts[name]
    return None


def _at(entries: Sequence[Entry], step: str, event: str = "done") -> str | None:
    return next((entry.at for entry in reversed(entries) if (entry.step, entry.event) == (step, event)), None)


def _seconds_between(earlier: str, later: str) -> float:
    return round((parse_rfc3339(later) - parse_rfc3339(earlier)).total_seconds(), 1)
