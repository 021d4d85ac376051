# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page of an audit: what its template lays out, piece by piece, so that a large fleet never is one text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ...texts import bytes_text, count_text, duration_text
from ..comparison import NEW, WORSE
from ..drift import OUTLIER
from ..hosts import ACCEPTED, ANSWERED, CRITICAL, OK, SEVERITIES, SKIPPED, UNKNOWN, WARNING, is_open, state_of
from ..query import selected_line
from ..words import OLD_BACKUP_HOURS, SOON_DAYS, day_text, names_text

TEMPLATES = Path(__file__).parent.parent / "templates"
# So many rows of one check are read; the pages of the hosts have the others.
ROWS_SHOWN = 60
# So many findings of one host, which has about a hundred and fifty, are shown.
HOST_ROWS_SHOWN = 300
# So many hosts are listed openly; the others are folded away.
HOSTS_SHOWN = 25
LISTED_SHOWN = 100
EVIDENCE_SHOWN = 3
# Settings of MariaDB and Redis that end so are bytes.
SIZE_SETTINGS = ("_size", "maxmemory", "_packet")
TREND_WIDTH, TREND_HEIGHT = 240, 48
# A check that broke in a few places is shown open when it is among the first.
OPEN_GROUPS, OPEN_ROWS = 3, 4
# The circle of the score: its length is that of its line, so that the score is a share of it.
RING_LENGTH = 100
SUBJECTS = {
    "host": "Host",
    "mariadb": "MariaDB",
    "redis": "Redis",
    "queue": "Queue",
    "site": "Site",
    "backup": "Backup",
    "web": "Web",
    "security": "Security",
}
IMPACT_TEXTS = {
    "critical": "can stop work or lose data",
    "high": "will hurt soon",
    "medium": "costs time or speed",
    "low": "worth tidying up",
    "info": "good to know",
}


def html(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the page. Every text is escaped by the template engine; the page asks nobody for anything."""
    stream = _templates().get_template("page.html.j2").stream(_view(document))
    stream.enable_buffering(200)
    yield from stream


@cache
def _templates() -> Environment:
    """Return the engine, which keeps what it compiled."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(day=day_text, names=names_text, bytes=bytes_text, duration=duration_text)
    environment.filters.update(count=count_text, setting=_setting_text)
    return environment


def _view(document: Mapping[str, Any]) -> dict[str, Any]:
    findings: dict[str, list[dict[str, Any]]] = defaultdict(list)
    by_check: dict[tuple[str, bool], list[dict[str, Any]]] = defaultdict(list)
    accepted, fresh, worse = [], [], []
    for finding in document["findings"]:
        state = state_of(finding)
        if state not in (OK, SKIPPED):
            findings[finding["host"]].append(finding)
        if state == ACCEPTED:
            accepted.append(finding)
        elif is_open(finding):
            by_check[finding["id"], False].append(finding)
            if finding["change"] == NEW:
                fresh.append(finding)
            elif finding["change"] == WORSE:
                worse.append(finding)
        elif state == UNKNOWN:
            by_check[finding["id"], True].append(finding)
    anchors = {host["name"]: f"h{index}" for index, host in enumerate(document["hosts"])}
    differences: dict[str, list[str]] = defaultdict(list)
    for entry in document["drift"]:
        for one in entry["differing"]:
            differences[one["host"]].append(_difference_line(entry, one))
    silent = [host for host in document["hosts"] if host["state"] != ANSWERED]
    return {
        "document": document,
        "summary": document["summary"],
        "checks": document["checks"],
        "figures": list(_figures(document)),
        "open_groups": OPEN_GROUPS,
        "open_rows": OPEN_ROWS,
        "ring": document["summary"]["score"] or 0,
        "ring_length": RING_LENGTH,
        "trend": _trend(document),
        "silent": silent[:LISTED_SHOWN],
        "silent_more": max(0, len(silent) - LISTED_SHOWN),
        "groups": [_group(group, by_check[group["id"], False]) for group in document["groups"]],
        "unknown_groups": [_group(group, by_check[group["id"], True]) for group in document["unknown"]],
        "lists": [
            {"name": name, "title": title, "rows": rows[:LISTED_SHOWN], "more": max(0, len(rows) - LISTED_SHOWN)}
            for name, title, rows in (
                ("new", "New", sorted(fresh, key=_severity)),
                ("worse", "Worse", worse),
                ("fixed", "Fixed", document["fixed"]),
                ("accepted", "Accepted", accepted),
            )
            if rows
        ],
        "cells": [_cell(host, anchors) for host in sorted(document["hosts"], key=lambda host: host["name"])],
        "hosts": [_host(host, anchors, findings, differences) for host in document["hosts"]],
        "hosts_shown": HOSTS_SHOWN,
        "selected": [selected_line(one) for one in document["selected"][:LISTED_SHOWN]],
        "anchors": anchors,
        "subjects": SUBJECTS,
        "impacts": IMPACT_TEXTS,
        "soon_days": SOON_DAYS,
        "old_backup_hours": OLD_BACKUP_HOURS,
        "listed_shown": LISTED_SHOWN,
        "evidence_shown": EVIDENCE_SHOWN,
    }


def _setting_text(value: str, setting: str) -> str:
    """Write the value of a setting as people read it: sizes in their units, all else as it is."""
    is_size = setting.endswith(SIZE_SETTINGS) and value.replace(".", "", 1).isdigit()
    return bytes_text(float(value)) if is_size else value


def _severity(finding: Mapping[str, Any]) -> int:
    return SEVERITIES.index(finding["severity"])


def _figures(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    summary = document["summary"]
    counts, changes, hosts = summary["counts"], summary["changes"], summary["hosts"]
    for tone, value, label, note, anchor in (
        ("bad", counts[CRITICAL], "critical", "should be mended now", "mend"),
        ("warning", counts[WARNING], "warnings", "can wait for a working day", "mend"),
        ("unknown", counts[UNKNOWN], "unknown", "could not be looked at", "unknown"),
        ("unknown", hosts["total"] - hosts["answered"], "silent", f"of {count_text(hosts['total'], 'host')}", "silent"),
        ("bad", changes["new"] + changes["worse"], "new or worse", "since the last audit", "changes"),
        ("good", changes["fixed"], "fixed", "since the last audit", "changes"),
    ):
        if anchor != "changes" or document["compared_with"]:
            yield {
                "tone": tone if value else "calm",
                "value": f"{value:,}",
                "label": label,
                "note": note,
                "anchor": anchor if value else "",
            }


def _trend(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the line of the score over the last audits, this one included."""
    now = {"at": document["generated_at"], "score": document["summary"]["score"]}
    points = [point for point in [*document["trend"], now] if point["score"] is not None]
    if len(points) < 2:  # noqa: PLR2004 (a line has two ends)
        return None
    step = TREND_WIDTH / (len(points) - 1)
    placed = [
        (round(index * step, 1), round(TREND_HEIGHT * (1 - point["score"] / 100), 1))
        for index, point in enumerate(points)
    ]
    return {
        "points": " ".join(f"{left},{top}" for left, top in placed),
        "last": placed[-1],
        "width": TREND_WIDTH,
        "height": TREND_HEIGHT,
        "first_day": day_text(points[0]["at"]),
        "first_score": points[0]["score"],
        "count": len(points),
    }


def _group(group: Mapping[str, Any], findings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    rows = sorted(findings, key=_severity)[:ROWS_SHOWN]
    return {**group, "rows": rows, "more": len(findings) - len(rows)}


def _state(host: Mapping[str, Any]) -> str:
    """Return the one word for a host: how bad the worst of it is, ``silent`` where it did not answer."""
    if host["state"] != ANSWERED:
        return "silent"
    return next((severity for severity in (CRITICAL, WARNING, UNKNOWN) if host["counts"][severity]), OK)


def _cell(host: Mapping[str, Any], anchors: Mapping[str, str]) -> dict[str, str]:
    state = _state(host)
    score = f", score {host['score']}" if host["score"] is not None else ""
    return {"anchor": anchors[host["name"]], "state": state, "title": f"{host['name']}: {state}{score}"}


def _difference_line(entry: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    value, usual = (_setting_text(text, entry["setting"]) for text in (one["value"], entry["usual"]))
    others = f"{entry['agree']} of {entry['peers']} have {usual}"
    if entry["rule"] == OUTLIER:
        others = f"half of {entry['peers']} have {usual} or less"
    return f"{entry['setting']} of {one['name']} is {value}; {others}"


def _host(
    host: Mapping[str, Any],
    anchors: Mapping[str, str],
    findings: Mapping[str, list[dict[str, Any]]],
    differences: Mapping[str, list[str]],
) -> dict[str, Any]:
    counts, rows = host["counts"], findings.get(host["name"], [])
    parts = (
        (CRITICAL, f"{counts[CRITICAL]} critical"),
        (WARNING, count_text(counts[WARNING], "warning")),
        (UNKNOWN, f"{counts[UNKNOWN]} unknown"),
        (ACCEPTED, f"{counts[ACCEPTED]} accepted"),
    )
    return {
        **host,
        "anchor": anchors[host["name"]],
        "tone": _state(host),
        "said": [{"severity": severity, "text": text} for severity, text in parts if counts[severity]],
        "rows": rows[:HOST_ROWS_SHOWN],
        "more": max(0, len(rows) - HOST_ROWS_SHOWN),
        "facts_lines": [
            *_labelled("Differs from peers", differences.get(host["name"], [])),
            *_facts(host["facts"]),
        ],
    }


def _facts(facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a host told about itself, as labels and lines."""
    system = facts.get("system")
    if system:
        memory = f"{bytes_text(system['memory_bytes'])} of memory, " if system.get("memory_bytes") else ""
        yield {
            "label": "System",
            "lines": [f"{system['os']}, kernel {system['kernel']}, {memory}{system['cores']} cores"],
        }
    programs = [f"{program['name']} {program['version']}" for program in facts.get("software", [])]
    if programs:
        yield {"label": "Versions", "lines": [", ".join(programs)]}
    sizes = {one["site"]: one["bytes"] for one in facts.get("sizes", []) if one["site"]}
    for bench in facts.get("benches", []):
        services = ", ".join(f"{count} {kind}" for kind, count in sorted(bench["services"].items()))
        yield {"label": "Bench", "lines": [f"{bench['path']}: {services or 'no service found'}"]}
        yield from _labelled("Sites", (_site_line(site, sizes.get(site["name"])) for site in bench["sites"]))
    for database in facts.get("databases", []):
        yield from _labelled(
            f"Accounts on {database['name']}", (_account_line(account) for account in database["accounts"])
        )


def _labelled(label: str, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    listed = list(lines)
    if listed:
        yield {"label": label, "lines": listed}


def _site_line(site: Mapping[str, Any], database_bytes: int | None) -> str:
    database = "" if database_bytes is None else f"database {bytes_text(database_bytes)}, "
    more = "" if site["files_are_whole"] else "more than "
    return f"{site['name']}: {database}files {more}{bytes_text(site['files_bytes'])}"


def _account_line(account: Mapping[str, Any]) -> str:
    grants = [
        f"on everything: {', '.join(account['global_privileges'])}" if account["global_privileges"] else "",
        f"on {names_text(account['databases'])}" if account["databases"] else "",
    ]
    return f"{account['account']}: {'; '.join(grant for grant in grants if grant) or 'may only log in'}"
