# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the report of a drill says, worked out once for HTML, Markdown and the screen. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .report import BAD, GOOD, bar_place, moment_text, rate_text
from .texts import bytes_text, count_text, duration_text
from .trend_plot import trend_plot

PHASE_NAMES = {
    "verify": "Choose and verify the set",
    "fetch": "Fetch the set",
    "load": "Load the database",
    "replay": "Replay the binary logs",
    "files": "Extract the files",
    "prove": "Prove everything",
    "cleanup": "Remove everything",
}
FINDING_NAMES = {
    "tables": "Tables",
    "rows": "Rows",
    "site": "Site",
    "secret": "Stored secrets",
    "apps": "Apps",
    "freshness": "Newest document",
    "ledger": "Books",
    "files": "Files",
    "budget": "Budget",
    "trend": "Trend",
}
# In the order in which they happen.
WAYS = {
    "fetch": "fetching a copy from off-site",
    "logical": "loading the dump",
    "physical": "importing tablespaces",
    "replay": "replaying the binary logs",
}
SIGNS = {"ok": "ok", "failed": "FAILED", "skipped": "skipped"}


def drill_view(record: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the report of a drill says.

    Args:
        record: The record of the drill (``docs/drill-record.schema.json``).
        history: The comparable drills before it, oldest first: ``at``, ``seconds``, ``outcome``.

    Returns:
        Texts, not escaped: ``tone``, ``headline``, ``lead``, ``figures``, ``findings``, ``phases``, ``facts``, ``plot``
        (None when the drill did not come so far), ``history`` and ``error``.
    """
    passed = record["outcome"] == "passed"
    return {
        "tone": GOOD if passed else BAD,
        "headline": f"{record['site']} was recovered in a drill" if passed else f"The drill of {record['site']} failed",
        "lead": list(_lead(record)),
        "error": record["error"],
        "figures": list(_figures(record)),
        "findings": [
            {**finding, "name": FINDING_NAMES.get(finding["name"], finding["name"]), "sign": SIGNS[finding["outcome"]]}
            for finding in record["findings"]
        ],
        "phases": _phases(record["phases"]),
        "facts": list(_facts(record)),
        "plot": _plot(record, history),
        "history": [
            {"at": moment_text(drill["at"]), "took": duration_text(drill["seconds"]), "outcome": drill["outcome"]}
            for drill in history
        ],
    }


def drill_lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is shown on the screen of the drills of one host: the worst first, a line a site and its failures.

    Args:
        results: Of each site ``site``, ``record`` (empty when there was no drill) and ``error`` (what was said then).
    """
    lines = []
    for result in sorted(results, key=lambda result: (_is_passed(result), str(result["site"]))):
        record = result["record"]
        if not record:
            lines.append(f"FAILED {result['site']}: {result['error']}")
            continue
        took = "" if record["rto_seconds"] is None else f", recovered in {duration_text(record['rto_seconds'])}"
        backup = f" ({record['set']['name']})" if record["set"] else ""
        lines.append(f"{'passed' if _is_passed(result) else 'FAILED'} {result['site']}{backup}{took}")
        lines += [f"  {finding['text']}" for finding in record["findings"] if finding["outcome"] == "failed"]
        if record["error"] and not lines[-1].startswith("  "):
            lines.append(f"  {record['error']['reason']}")
    return lines


def _is_passed(result: Mapping[str, Any]) -> bool:
    return bool(result["record"]) and result["record"]["outcome"] == "passed"


def _lead(record: Mapping[str, Any]) -> Iterator[str]:
    if record["set"] is None:
        yield "It came to no set."
    elif record["rto_seconds"] is None:
        yield f"The set {record['set']['name']} could not be recovered in the scratch place."
    else:
        yield (
            f"The set {record['set']['name']} was recovered as far as the promotion would begin in "
            f"{duration_text(record['rto_seconds'])}."
        )
    yield "The live site was not touched, and nothing of the drill is left but its record."


def _figures(record: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    trend = record["trend"]
    if trend:
        budget = f"of a budget of {duration_text(trend['budget_seconds'])}" if trend["budget_seconds"] else "no budget"
        yield {"label": "A recovery takes", "value": duration_text(trend["rto_seconds"]), "note": budget}
    if trend and trend["median_seconds"] is not None:
        note = f"the median of the last {trend['compared']} comparable drills"
        yield {"label": "Usual", "value": duration_text(trend["median_seconds"]), "note": note}
    if record["recovery_point"]:
        note = "the moment that the recovered data is of"
        yield {"label": "Recovery point", "value": moment_text(record["recovery_point"]), "note": note}
    if record["findings"]:
        counted = [finding["outcome"] for finding in record["findings"]]
        skipped = f", {counted.count('skipped')} skipped" if "skipped" in counted else ""
        note = f"{counted.count('failed')} failed{skipped}"
        yield {"label": "Proofs", "value": f"{counted.count('ok')} passed", "note": note}


def _phases(phases: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    total_seconds = max(sum(phase["seconds"] for phase in phases), 0.001)
    offset_seconds = 0.0
    rows = []
    for phase in phases:
        rows.append(
            {
                "name": PHASE_NAMES.get(phase["name"], phase["name"]),
                "failed": phase["outcome"] == "failed",
                "seconds": duration_text(phase["seconds"]),
                "at": f"+{duration_text(offset_seconds)}",
                "note": rate_text(phase),
                **bar_place(offset_seconds, phase["seconds"], total_seconds),
            }
        )
        offset_seconds += phase["seconds"]
    return rows


def _facts(record: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    yield {"label": "Drill", "value": f"{record['drill']}, by {record['user']}"}
    yield {"label": "Bench", "value": f"{record['bench_path']} on {record['host']}"}
    yield {"label": "Started", "value": moment_text(record["started_at"])}
    yield {"label": "Ended", "value": moment_text(record["ended_at"])}
    if record["point"]:
        yield {"label": "Why this", "value": record["point"]["text"]}
    backup = record["set"]
    if backup:
        encrypted = ", encrypted" if backup.get("encrypted") else ""
        size = bytes_text(backup["size_bytes"])
        yield {"label": "Set", "value": f"{backup['name']} in {backup['folder']}, {size}{encrypted}"}
    if record["kind"]:
        yield {"label": "Recovered by", "value": _way(record["kind"])}
    replay = record["replay"]
    if replay:
        transactions = count_text(replay["transactions"], "transaction")
        yield {"label": "Replayed", "value": f"{transactions}, {bytes_text(replay['bytes'])}, up to {replay['target']}"}


def _way(kind: str) -> str:
    """Write how a drill recovered, for example ``physical+fetch+replay``, in the order in which it did."""
    parts = kind.split("+")
    return ", ".join(text for name, text in WAYS.items() if name in parts)


def _plot(record: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    trend = record["trend"]
    if not trend:
        return None
    this = {"at": record["ended_at"], "seconds": trend["rto_seconds"], "outcome": record["outcome"]}
    return trend_plot(history, this, trend["budget_seconds"], trend["median_seconds"])
