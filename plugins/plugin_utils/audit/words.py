# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an audit means, in sentences for an owner who is no engineer. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ..texts import count_text
from .hosts import ACCEPTED, CRITICAL, UNKNOWN, WARNING

GOOD, CARE, BAD = "good", "warning", "bad"
NAMES_SHOWN = 3
SOON_DAYS = 180
# A set that is older than a day and a run of an hour or two was missed (the usual nightly backup).
OLD_BACKUP_HOURS = 26
EVERYTHING_PERCENT = 100


def names_text(names: Sequence[str], shown: int = NAMES_SHOWN) -> str:
    """Write a list of names, cut after a few: ``a, b, c and 9 more``."""
    if len(names) <= shown + 1:
        return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
    return f"{', '.join(names[:shown])} and {len(names) - shown} more"


def day_text(moment: str) -> str:
    """Write the day of an RFC 3339 moment or a date: ``21 Nov 2026``; other texts stay as they are."""
    try:
        return date.fromisoformat(moment[:10]).strftime("%-d %b %Y")
    except ValueError:
        return moment


def hours_between(earlier: str, later: str) -> float | None:
    """Return the hours between two RFC 3339 moments, or None where one cannot be read."""
    try:
        first, second = (datetime.fromisoformat(moment.replace("Z", "+00:00")) for moment in (earlier, later))
        return (second - first).total_seconds() / 3600
    except (ValueError, TypeError):
        return None


def headline(summary: Mapping[str, Any]) -> tuple[str, str]:
    """Return the tone of the report and its headline."""
    critical, silent = summary["hosts_with"][CRITICAL], summary["hosts"]["total"] - summary["hosts"]["answered"]
    if not summary["hosts"]["answered"]:
        return BAD, "No host answered: nothing is known"
    if critical:
        return BAD, f"{_hosts(critical, summary)} {'needs' if critical == 1 else 'need'} help now"
    if silent:
        return CARE, f"{_hosts(silent, summary)} did not answer; nothing urgent was seen on the others"
    if summary["hosts_with"][WARNING]:
        return CARE, f"{_hosts(summary['hosts_with'][WARNING], summary)} should be looked at; nothing is urgent"
    if summary["counts"][UNKNOWN]:
        return CARE, "Nothing wrong was seen, but not everything could be looked at"
    return GOOD, "All is well"


def sentences(document: Mapping[str, Any]) -> Iterator[str]:
    """Say what was found, in the order in which an owner asks: how bad, what first, what is new, what is not known."""
    summary = document["summary"]
    yield _how_bad(summary)
    first = next((group for group in document["groups"] if group["severity"] == CRITICAL), None)
    if first:
        yield f'First to mend: "{first["title"]}" on {names_text(first["worst_hosts"])}.'
    yield from _changes(document)
    yield from _not_known(document)
    yield from _backups(document)
    yield from _lifecycle(document)


def _hosts(count: int, summary: Mapping[str, Any]) -> str:
    total = summary["hosts"]["total"]
    if count == total:
        return "The host" if total == 1 else f"All {total} hosts"
    return f"{count} of {total} hosts"


def _how_bad(summary: Mapping[str, Any]) -> str:
    counts = summary["counts"]
    parts = [
        f"{count_text(counts[CRITICAL], 'problem')} should be mended now" if counts[CRITICAL] else "",
        f"{count_text(counts[WARNING], 'warning')} can wait for a working day" if counts[WARNING] else "",
    ]
    said = ", ".join(part for part in parts if part) or "No problem was found in what could be looked at"
    accepted = f"; {counts[ACCEPTED]} more were accepted by somebody" if counts[ACCEPTED] else ""
    return f"{said}{accepted}."


def _changes(document: Mapping[str, Any]) -> Iterator[str]:
    if not document["compared_with"]:
        yield "This is the first audit: the next one says what changed since."
        return
    changes = document["summary"]["changes"]
    yield (
        f"Since {day_text(document['compared_with'])}: {changes['new']} new, {changes['worse']} worse, "
        f"{changes['better']} better, {changes['fixed']} fixed."
    )


def _not_known(document: Mapping[str, Any]) -> Iterator[str]:
    silent = [host["name"] for host in document["hosts"] if host["state"] != "answered"]
    if silent:
        verb = "was" if len(silent) == 1 else "were"
        yield f"{names_text(silent)} did not answer, so nothing is known about {'it' if verb == 'was' else 'them'}."
    if document["summary"]["coverage"] < EVERYTHING_PERCENT:
        yield f"{document['summary']['coverage']:g} % of what there is to check could be checked."


def _backups(document: Mapping[str, Any]) -> Iterator[str]:
    rows = document["backups"]
    if not rows:
        return
    without = [row["site"] for row in rows if not row["recovery_point"]]
    old = [row["site"] for row in rows if row["age_hours"] is not None and row["age_hours"] > OLD_BACKUP_HOURS]
    if without:
        yield f"Without a usable backup: {names_text(without)}."
    if old:
        yield f"The newest backup is older than a day: {names_text(old)}."
    if not without and not old:
        every = "The site" if len(rows) == 1 else f"Each of the {len(rows)} sites"
        yield f"{every} has a backup of the last day."
    rehearsed = [row for row in rows if row["rehearsed_at"]]
    if not rehearsed:
        yield "No restore was ever rehearsed on these hosts: that a backup can be restored is not proven."
    elif len(rehearsed) < len(rows):
        yield f"A restore was rehearsed for {len(rehearsed)} of {len(rows)} sites."


def _lifecycle(document: Mapping[str, Any]) -> Iterator[str]:
    ended = [row for row in document["versions"] if row["support"] == "ended"]
    if ended:
        named = [f"{row['name']} {row['series']}" for row in ended]
        yield f"Its makers mend no more faults in: {names_text(list(dict.fromkeys(named)))}."
