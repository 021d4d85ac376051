# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the report of a recovery says, worked out once for HTML and Markdown: the templates only lay it out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from .plan_text import undone_text
from .texts import bytes_text, count_text, duration_text

GOOD, WARNING, BAD = "good", "warning", "bad"
HEADLINES = {
    "recovered": (GOOD, "{site} was recovered"),
    "rolled_back": (WARNING, "{site} was rolled back: the previous site serves again"),
    "failed": (BAD, "{site} was not recovered"),
}
STEP_NAMES = {
    "fetch": "Fetch the set from off-site",
    "staging_database": "Load and prove the database",
    "staging_files": "Extract and prove the files",
    "promote": "Promote",
    "rollback": "Roll back",
    "retire": "Delete what was kept",
}
SECRET_TEXTS = {
    "opens": "A stored password opens with the encryption key that the site has now.",
    "no secret is stored": "No password is stored that the encryption key could be tried on.",
    "no key is known": "Stored passwords stay locked: the set and the live site have no encryption key.",
}
MINIMUM_BAR_PERCENT = 0.4
WRITTEN_SHOWN = 25


def report_view(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the report of a recovery says.

    Args:
        record: The record of the recovery (``docs/recovery-record.schema.json``).

    Returns:
        Texts only, not escaped: ``tone``, ``headline``, ``lead``, ``figures``, ``facts``, ``timeline``, ``proofs``,
        ``verification``, ``checks``, ``assessment``, ``kept``, ``commands``, ``not_recovered``, ``drained``,
        ``recommendations`` and ``error``. What there is nothing to say about is empty.
    """
    tone, headline = HEADLINES[record["outcome"]]
    return {
        "tone": tone,
        "headline": headline.format(site=record["site"]),
        "lead": list(_lead(record)),
        "figures": list(_figures(record)),
        "facts": list(_facts(record)),
        "timeline": _timeline(record),
        "proofs": [
            {"title": title, "lines": list(say(record["proof"][kind]))}
            for kind, title, say in (("database", "Database", _database_proof), ("files", "Files", _files_proof))
            if record["proof"][kind]
        ],
        "verification": [_verified(check) for check in record["verification"]],
        "checks": [dict(check) for check in record["checks"]],
        "assessment": _assessment(record["assessment"]),
        "kept": list(_kept(record)),
        "commands": list(_commands(record)),
        "not_recovered": [str(lost) for lost in record["not_recovered"]],
        "drained": list(_drained(record["drained"])),
        "recommendations": [dict(advice) for advice in record["recommendations"]],
        "error": record["error"],
    }


def moment_text(moment: str) -> str:
    """Write an RFC 3339 moment for people, in UTC to the second: ``21 Nov 2026 03:15:22 UTC``."""
    parsed = datetime.fromisoformat(moment.replace("Z", "+00:00")).astimezone(timezone.utc)
    return parsed.strftime("%d %b %Y %H:%M:%S UTC")


def _lead(record: Mapping[str, Any]) -> Iterator[str]:
    backup = record["set"]["name"]
    if record["outcome"] == "recovered":
        yield f"Its data is that of {moment_text(record['recovery_point'])}, from the set {backup}."
        if record["downtime_seconds"] is not None:
            yield f"It was unavailable for {duration_text(record['downtime_seconds'])}."
        yield from _verified_sentences(record["verification"])
    elif record["outcome"] == "rolled_back":
        yield f"The replacement from the set {backup} went live, did not pass, and was taken back."
    else:
        yield f"The recovery from the set {backup} ended before the promotion; the live site was not touched."


def _verified_sentences(verification: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = {
        outcome: dict.fromkeys(str(check["name"]) for check in verification if check["outcome"] == outcome)
        for outcome in ("passed", "skipped")
    }
    if names["passed"]:
        yield f"Verified on the live site: {', '.join(names['passed'])}."
    unknown = [name for name in names["skipped"] if name not in names["passed"]]
    if unknown or not names["passed"]:
        reasons = dict.fromkeys(str(check["reason"]).rstrip(".") for check in verification if check["name"] in unknown)
        why = f" ({'; '.join(reasons)})" if reasons else ""
        yield f"Not verified: {', '.join(unknown) or 'whether it serves'}{why}."


def _figures(record: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    yield {
        "label": "Recovery point",
        "value": moment_text(record["recovery_point"]),
        "note": "the moment that the recovered data is of",
    }
    for label, name, note in (
        ("RPO", "rpo_seconds", "data time lost"),
        ("RTO", "rto_seconds", "from the start until the replacement was live"),
        ("Downtime", "downtime_seconds", "the site refused requests"),
    ):
        if record[name] is not None:
            yield {"label": label, "value": duration_text(record[name]), "note": note}


def _facts(record: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    backup, replaced = record["set"], record["replaced"]
    yield {"label": "Recovery", "value": record["recovery"]}
    yield {"label": "Procedure", "value": record["procedure"].replace("_", " ")}
    yield {"label": "Bench", "value": f"{record['bench_path']} on {record['host']}"}
    yield {"label": "Started", "value": moment_text(record["started_at"])}
    yield {"label": "Ended", "value": moment_text(record["ended_at"])}
    encrypted = ", encrypted" if backup["encrypted"] else ""
    yield {"label": "Set", "value": f"{backup['name']} in {backup['folder']}"}
    tables = "" if backup["table_count"] is None else f"{count_text(backup['table_count'], 'table')}, "
    sql = "" if backup["sql_bytes"] is None else f"{bytes_text(backup['sql_bytes'])} of SQL, "
    yield {"label": "Its content", "value": f"{tables}{sql}{bytes_text(backup['size_bytes'])} of artifacts{encrypted}"}
    yield from _replay(record)
    if backup["versions"]:
        versions = ", ".join(f"{app} {version}" for app, version in sorted(backup["versions"].items()))
        yield {"label": "Its apps", "value": versions}
    yield {"label": "What was live", "value": _replaced(replaced)}


def _replay(record: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    replay, undo = record.get("replay"), record.get("undo")
    if replay is None:
        return
    replayed = (
        f"{count_text(replay['transactions'], 'transaction')} of the site, {bytes_text(replay['bytes'])} of binary log"
    )
    yield {"label": "Replayed onto it", "value": f"{replayed}, up to {replay['gtid'] or 'before every transaction'}"}
    yield {"label": "Asked for", "value": replay["target"]}
    if undo is not None:
        tables = "; ".join(undone_text(table) for table in undo["tables"])
        yield {"label": "Undone", "value": f"{undo['gtid']} of {moment_text(undo['committed_at'])} ({tables})"}


def _replaced(replaced: Mapping[str, Any]) -> str:
    if not replaced["database_exists"]:
        return "no database" + ("" if replaced["exists"] else ", and no folder of the site")
    tables = f"{count_text(replaced['tables'], 'table')}, {bytes_text(replaced['bytes'])}"
    broken = "" if replaced["configuration_valid"] else "; its configuration could not be read"
    return f"database {replaced['db_name']} ({tables}){broken}"


def _timeline(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    start = _seconds(record["started_at"])
    total_seconds = max(_seconds(record["ended_at"]) - start, 0.001)
    rows = []
    for step in record["steps"]:
        base, _dot, part = step["name"].partition(".")
        offset_seconds = max(_seconds(step["started_at"]) - start, 0.0)
        rows.append(
            {
                "name": part.replace("_", " ") if part else STEP_NAMES.get(base, base.replace("_", " ")),
                "is_part": bool(part),
                "failed": step["outcome"] == "failed",
                "seconds": duration_text(step["seconds"]),
                "at": f"+{duration_text(offset_seconds)}",
                "note": rate_text(step),
                **bar_place(offset_seconds, step["seconds"], total_seconds),
            }
        )
    return rows


def bar_place(offset_seconds: float, seconds: float, total_seconds: float) -> dict[str, float]:
    """Return where the bar of a step stands in a timeline, in percent of its width; the shortest can still be seen."""
    offset_percent = min(100 * offset_seconds / total_seconds, 100 - MINIMUM_BAR_PERCENT)
    width_percent = max(100 * seconds / total_seconds, MINIMUM_BAR_PERCENT)
    return {
        "offset_percent": round(offset_percent, 2),
        "width_percent": round(min(width_percent, 100 - offset_percent), 2),
    }


def rate_text(step: Mapping[str, Any]) -> str:
    """Write how much a step worked on, and how fast; nothing where that is not known."""
    if not step["bytes"]:
        return ""
    rate = f", {bytes_text(step['bytes'] / step['seconds'])}/s" if step["seconds"] else ""
    return f"{bytes_text(step['bytes'])}{rate}"


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


def _database_proof(proof: Mapping[str, Any]) -> Iterator[str]:
    if proof.get("completion_line"):
        yield "The dump is whole: its completion line was read at its end."
    if proof.get("hashed_files"):
        yield f"{count_text(proof['hashed_files'], 'file')} of tables: each is what the backup wrote, by its SHA-256."
    rows, tables = count_text(proof.get("rows", 0), "row"), count_text(proof.get("tables", 0), "table")
    for known_from in ("dump", "manifest"):
        if proof.get(f"rows_equal_to_{known_from}"):
            yield f"{rows} in {tables}: every table was read back and has as many rows as the {known_from}."
    parts = [count_text(proof[name], name[:-1]) for name in ("sequences", "views", "triggers") if proof.get(name)]
    if parts:
        yield f"Loaded as well: {', '.join(parts)}."
    if proof.get("installed_applications"):
        yield f"The application's own marks are there ({count_text(proof['installed_applications'], 'installed app')})."
    if proof.get("stored_secret"):
        yield SECRET_TEXTS.get(proof["stored_secret"], f"A stored password: {proof['stored_secret']}.")


def _files_proof(proof: Mapping[str, Any]) -> Iterator[str]:
    for kind, archive in proof["archives"].items():
        files = count_text(archive["files"], "file")
        yield f"{kind.replace('_', ' ').capitalize()}: {files}, {bytes_text(archive['bytes'])} extracted."
    taken = proof.get("taken_from_live", {"files": 0})
    if taken["files"]:
        newer, size = count_text(taken["files"], "file"), bytes_text(taken["bytes"])
        yield f"{newer} ({size}) that came after the set were taken from the live site, as the database lists them."
    listed = count_text(proof["listed"], "local file")
    yield f"The database lists {listed}; {proof['matched']} were compared by checksum or size and are right."
    for name, text in (
        ("unchecked", "have neither checksum nor size in the database"),
        ("outdated", "differ from the database exactly as the live ones do: the database was not kept up"),
        ("missing", "are not in the archives"),
        ("damaged", "differ from the database"),
    ):
        if proof[name]:
            yield f"{proof[name]} {text}."


def _verified(check: Mapping[str, Any]) -> dict[str, str]:
    seconds = "" if check.get("seconds") is None else f" in {duration_text(check['seconds'])}"
    return {
        "name": str(check["name"]) + (f" on {check['host']}" if check.get("host") else ""),
        "outcome": str(check["outcome"]),
        "text": f"{check['outcome']}{seconds}" + (f": {check['reason']}" if check.get("reason") else ""),
    }


def _assessment(assessment: Mapping[str, Any] | None) -> dict[str, Any]:
    if not assessment:
        return {}
    if assessment["scope"] == "corruption":
        tables = [
            {
                "title": title,
                "columns": ["Table", "Engine", "What was seen"],
                "rows": [[row["table"], row["engine"], row["text"]] for row in assessment[name]],
            }
            for name, title in (
                ("damaged", "Damaged tables"),
                ("not_checked", "Tables not read to their end"),
            )
        ]
        title = "Which tables were damaged"
    else:
        tables = list(_loss_tables(assessment))
        title = "What was lost, and what was written since"
    return {
        "title": title,
        "lines": list(assessment["summary"]),
        "tables": [table for table in tables if table["rows"]],
    }


def _loss_tables(assessment: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {
        "title": "Rows that the live site lacked against the set",
        "columns": ["DocType", "In the set", "Live", "Missing"],
        "rows": [
            [
                row["doctype"] + (" (cleared by Frappe itself)" if row["volatile"] else ""),
                f"{row['rows_in_set']:,}",
                "no table" if row["rows_live"] is None else f"{row['rows_live']:,}",
                f"{row['missing_rows']:,}",
            ]
            for row in assessment["lost"]
        ],
    }
    yield {
        "title": "Rows written since the recovery point, which the set does not have",
        "columns": ["DocType", "Written since"],
        "rows": [[row["doctype"], f"{row['written_since']:,}"] for row in assessment["written"][:WRITTEN_SHOWN]],
    }
    for kind, trace in assessment["traces"].items():
        names = [name for name in (trace["groups"] or [{}])[0] if name != "count"]
        yield {
            "title": f"{trace['table'][3:]}: what was {kind} since",
            "columns": [*(name.replace("_", " ").capitalize() for name in names), "Count"],
            "rows": [[*(group[name] for name in names), f"{group['count']:,}"] for group in trace["groups"]],
        }


def _kept(record: Mapping[str, Any]) -> Iterator[str]:
    kept = record["kept"]
    if not kept:
        return
    if kept["database"]:
        yield f"Database {kept['database']}, with its account locked"
    if kept["files"]:
        files = ", ".join(kept["files"])
        yield f"Files ({files}) in {record['bench_path']}/sites/{record['site']}/.lifeboat/{record['recovery']}"
    yield f"Until {moment_text(kept['until'])}; after that the next recovery of the site, or state=expired, deletes it"


def _commands(record: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    if record["rollback_command"]:
        yield {"label": "Put back what was replaced", "command": record["rollback_command"]}
        retire = record["rollback_command"].replace("state=rolled_back", "state=retired")
        yield {"label": "Delete what was replaced now, to free its space", "command": retire}


def _drained(drained: Mapping[str, Any] | None) -> Iterator[str]:
    if not drained:
        return
    if drained.get("skipped"):
        yield f"Running jobs could not be looked at: {drained['skipped']}"
        return
    yield f"Running jobs of the site were waited for {duration_text(drained['waited_seconds'])}."
    for job in drained["still_running"]:
        seconds = "" if job["seconds"] is None else f" for {duration_text(job['seconds'])}"
        yield f"Still running at the switch: {job['job']} in {job['queue']}{seconds}"
