# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The summary of an audit in Markdown: for a ticket, a chat or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..comparison import NEW, WORSE
from ..drift import OUTLIER
from ..hosts import ACCEPTED, ANSWERED, CRITICAL, UNKNOWN, WARNING, state_of
from ..query import selected_line
from ..words import day_text, names_text

GROUPS_SHOWN = 40
HOSTS_SHOWN = 60
LINES_SHOWN = 40
# An underscore within a word marks nothing; at the start of a line, more characters do.
SPECIAL = re.compile(r"([\\`*\[\]|<>~$@&]|(?<![A-Za-z0-9_])_|_(?![A-Za-z0-9_])|^[#+=-]|(?<=^\d)[.)])")
# What GitHub makes a link of without being told to.
AUTOLINK = re.compile(r"(?i)(://|www\.)")


def markdown(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the summary of an audit as Markdown; long lists are cut, and say so."""
    for part in (_head, _silent, _groups, _changes, _accepted, _drift, _selected, _hosts):
        for line in part(document):
            yield f"{line}\n"


def plain(text: Any) -> str:
    """Write a text so that Markdown shows it as it is."""
    escaped = SPECIAL.sub(r"\\\1", " ".join(str(text).split()))
    return AUTOLINK.sub(lambda match: f"{match[0][:-1]}\\{match[0][-1]}", escaped)


def _head(document: Mapping[str, Any]) -> Iterator[str]:
    summary = document["summary"]
    counts = summary["counts"]
    score = "not known" if summary["score"] is None else f"{summary['score']} of 100"
    yield f"# {plain(document['title'])}: {plain(summary['headline'])}"
    yield ""
    yield f"{day_text(document['generated_at'])}. **Score {score}, coverage {summary['coverage']:g} %.**"
    yield ""
    for sentence in summary["sentences"]:
        yield f"- {plain(sentence)}"
    yield ""
    yield "| hosts | critical | warnings | unknown | accepted |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    yield (
        f"| {summary['hosts']['answered']} of {summary['hosts']['total']} | {counts[CRITICAL]} | {counts[WARNING]} "
        f"| {counts[UNKNOWN]} | {counts[ACCEPTED]} |"
    )


def _silent(document: Mapping[str, Any]) -> Iterator[str]:
    hosts = [host for host in document["hosts"] if host["state"] != ANSWERED]
    yield from _list(
        "Hosts that did not answer", [f"**{plain(host['name'])}**: {plain(host['reason'])}" for host in hosts]
    )


def _groups(document: Mapping[str, Any]) -> Iterator[str]:
    groups = document["groups"]
    if not groups:
        return
    total = document["summary"]["hosts"]["total"]
    yield from ("", "## What to mend, the most important first", "")
    yield from ("| | what | where | what to do |", "| --- | --- | --- | --- |")
    for group in groups[:GROUPS_SHOWN]:
        new = f", {group['new']} new" if group["new"] else ""
        where = f"{len(group['hosts'])} of {total} hosts: {plain(names_text(group['hosts']))}"
        check = document["checks"][group["id"]]
        yield (
            f"| {group['severity']} | {plain(group['title'])} ({plain(group['id'])}{new}) | {where} "
            f"| {plain(check['remediation'])} |"
        )
    yield from _rest(len(groups) - GROUPS_SHOWN)


def _changes(document: Mapping[str, Any]) -> Iterator[str]:
    if not document["compared_with"]:
        return
    for change, title in ((NEW, "New"), (WORSE, "Worse")):
        found = [one for one in document["findings"] if one["change"] == change and state_of(one) != ACCEPTED]
        yield from _list(f"{title} since {day_text(document['compared_with'])}", [_line(one) for one in found])
    yield from _list("Fixed", [_line(one) for one in document["fixed"]])


def _accepted(document: Mapping[str, Any]) -> Iterator[str]:
    found = [one for one in document["findings"] if state_of(one) == ACCEPTED]
    yield from _list(
        "Accepted",
        [
            f"{_line(one)} Accepted by {plain(one['accepted']['owner'])} until {plain(one['accepted']['expires'])}: "
            f"{plain(one['accepted']['reason'])}"
            for one in found
        ],
    )


def _drift(document: Mapping[str, Any]) -> Iterator[str]:
    yield from _list(
        "Hosts that differ from their peers",
        [
            f"{plain(entry['setting'])} ({plain(entry['kind'])}): "
            + (
                f"the median of {entry['peers']} is "
                if entry["rule"] == OUTLIER
                else f"{entry['agree']} of {entry['peers']} have "
            )
            + f"{plain(entry['usual'])}; "
            + names_text([f"{plain(one['host'])} has {plain(one['value'])}" for one in entry["differing"]])
            for entry in document["drift"]
        ],
    )


def _selected(document: Mapping[str, Any]) -> Iterator[str]:
    yield from _list("Selected by the query", [plain(selected_line(one)) for one in document["selected"]])


def _hosts(document: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Hosts, the worst first", "")
    yield from (
        "| host | score | coverage | critical | warnings | unknown |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    )
    for host in document["hosts"][:HOSTS_SHOWN]:
        counts = host["counts"]
        score = host["state"] if host["score"] is None else host["score"]
        yield (
            f"| {plain(host['name'])} | {score} | {host['coverage']:g} % | {counts[CRITICAL]} | {counts[WARNING]} "
            f"| {counts[UNKNOWN]} |"
        )
    yield from _rest(len(document["hosts"]) - HOSTS_SHOWN)


def _line(finding: Mapping[str, Any]) -> str:
    place = " ".join(part for part in (finding["target"], finding["item"]) if part)
    return f"**{plain(finding['host'])}** {plain(finding['id'])} {plain(place)}: {plain(finding['text'])}"


def _list(title: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    yield from ("", f"## {title}", "")
    for line in lines[:LINES_SHOWN]:
        yield f"- {line}"
    yield from _rest(len(lines) - LINES_SHOWN)


def _rest(count: int) -> Iterator[str]:
    if count > 0:
        yield from ("", f"… and {count} more: report.html and report.json have them.")
