# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a recovery as lines that a person on call reads before anything happens. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from .texts import bytes_text, count_text, duration_text

PLACES = {
    "datadir": "the data directory",
    "files": "the folder of the sites",
    "work": "the folder of the recovery",
}


def plan_lines(begun: Mapping[str, Any], procedure: Mapping[str, Any]) -> list[str]:
    """Write a plan as lines.

    Args:
        begun: What ``site_recovery`` returned: ``needed`` and ``plan``.
        procedure: The procedure's file: ``title``, ``severity``, ``steps``.
    """
    plan = begun["plan"]
    if not begun["needed"]:
        return [
            f"{plan['site']} already lives from the set {plan['set']['name']} of {plan['recovery_point']}.",
            "There is nothing to do. To recover from it once more, add -e again=true.",
        ]
    return [*_what(plan, procedure), *_cost(plan), *_checks(plan), *_who(procedure)]


def _what(plan: Mapping[str, Any], procedure: Mapping[str, Any]) -> Iterator[str]:
    backup, replaces = plan["set"], plan["replaces"]
    yield f"{plan['site']}: {procedure['title']} (severity: {procedure['severity']})"
    if replaces["database_exists"]:
        tables = f"{count_text(replaces['tables'], 'table')}, {bytes_text(replaces['bytes'])}"
        yield f"Replaces:    database {replaces['db_name']} ({tables}) and the files of {plan['bench_path']}"
    else:
        yield f"Replaces:    nothing, the site has no database; its folder is {_folder_state(replaces)}"
    tables = f"{count_text(backup['table_count'], 'table')}, " if backup["table_count"] is not None else ""
    encrypted = ", encrypted" if backup["encrypted"] else ""
    yield f"By the set:  {backup['name']} in {backup['folder']} ({tables}{bytes_text(backup['size_bytes'])}{encrypted})"
    yield from _replay(plan)
    yield f"Data of:     {plan['recovery_point']}"
    if _is_latest(plan):
        yield "Lost:        nothing that the log holds: the site is closed before the end of the log is read"
    else:
        yield f"Lost:        what was written in the {duration_text(plan['data_loss_seconds'])} since then"
    for skipped in backup.get("skipped", []):
        yield f"Passed over: {skipped['name']}: {skipped['reason']}"


def _replay(plan: Mapping[str, Any]) -> Iterator[str]:
    replay, undo = plan.get("replay"), plan.get("undo")
    if replay is None:
        return
    logs = f"{bytes_text(replay['bytes'])} of {count_text(len(replay['files']), 'binary log')}"
    first = f"from {replay['from']['file']} on"
    yield f"Replays:     {count_text(replay['transactions'], 'transaction')} of the site, {logs} {first}"
    behind = f", before {replay['before']}" if replay["before"] else ""
    yield f"Up to:       {replay['target']}, that is {replay['gtid'] or 'before every transaction'}{behind}"
    window = replay["window"]
    yield f"Window:      {_moment(window['since_seconds'])} to {_moment(window['until_seconds'])} can be recovered to"
    if undo is not None:
        yield f"Undoes:      {undo['gtid']} of {undo['committed_at']}, no row of which was changed since:"
        for table in undo["tables"]:
            yield f"             {undone_text(table)}"


def _is_latest(plan: Mapping[str, Any]) -> bool:
    replay = plan.get("replay")
    return replay is not None and bool(replay["is_latest"])


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def undone_text(table: Mapping[str, Any]) -> str:
    """Write what undoing a transaction does to one table."""
    words = (("deleted", "come back"), ("updated", "become what they were"), ("inserted", "go"))
    said = [f"{table[name]} rows {what}" for name, what in words if table[name]]
    return f"{table['table']}: {', '.join(said)}"


def _folder_state(replaces: Mapping[str, Any]) -> str:
    if not replaces["exists"]:
        return "missing"
    return "there" if replaces["configuration_valid"] else "there, its configuration cannot be read"


def _cost(plan: Mapping[str, Any]) -> Iterator[str]:
    if plan.get("load"):
        yield f"Loads:       {plan['load']['reason']}"
    steps = ", ".join(f"{step['name']} {duration_text(step['estimate_seconds'])}" for step in plan["steps"])
    down = "while the end of the log is replayed and loaded" if _is_latest(plan) else "for about a second"
    yield f"Takes:       about {duration_text(plan['estimate_seconds'])}, the site is down {down} ({steps})"
    for name, need in plan["space"].items():
        free = "what is free cannot be seen" if need["free_bytes"] is None else f"{bytes_text(need['free_bytes'])} free"
        yield f"Disk:        {bytes_text(need['needed_bytes'])} in {PLACES[name]} ({free})"
    yield f"Keeps:       what is replaced, until {plan['keeps_until']}"


def _checks(plan: Mapping[str, Any]) -> Iterator[str]:
    for check in plan["checks"]:
        label = "Warning:" if check["outcome"] == "warning" else "Checked:"
        yield f"{label:<12} {check['text']}"


def _who(procedure: Mapping[str, Any]) -> Iterator[str]:
    for step in procedure["steps"]:
        yield f"Step:        {step['name']} ({step['who']}, expected {duration_text(step['expected_seconds'])})"
    for person in procedure.get("people", []):
        yield f"{person['who']}: {person['does']}"
