# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks as test results, as continuous integration shows them: a suite a host, a case a check of something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ..hosts import ACCEPTED, ANSWERED, BREACHES, SKIPPED, UNKNOWN, state_of

# What JUnit calls it: a breach fails, what is not known is an error, what was not looked at or was accepted is
# skipped, and only what was seen to be well has passed.
ELEMENTS = {**dict.fromkeys(BREACHES, "failure"), UNKNOWN: "error", SKIPPED: "skipped", ACCEPTED: "skipped"}


def junit(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the audit as JUnit XML."""
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name={quoteattr(document["title"])}>\n'
    findings = {name: list(found) for name, found in groupby(document["findings"], key=lambda one: one["host"])}
    for host in document["hosts"]:
        if host["state"] == ANSWERED:
            yield from _suite(host, findings.get(host["name"], []), document)
        else:
            yield _silent_suite(host, document["generated_at"])
    yield "</testsuites>\n"


def _suite(host: Mapping[str, Any], findings: list[Mapping[str, Any]], document: Mapping[str, Any]) -> Iterator[str]:
    elements = [ELEMENTS.get(state_of(finding)) for finding in findings]
    numbers = {"failures": elements.count("failure"), "errors": elements.count("error")}
    yield _suite_start(host["name"], document["generated_at"], len(findings), numbers, elements.count("skipped"))
    for finding, element in zip(findings, elements):
        yield _case(finding, element, document["checks"][finding["id"]])
    yield "</testsuite>\n"


def _suite_start(name: str, at: str, tests: int, numbers: Mapping[str, int], skipped: int) -> str:
    return (
        f'<testsuite name={quoteattr(name)} timestamp="{at[:19]}" tests="{tests}" failures="{numbers["failures"]}" '
        f'errors="{numbers["errors"]}" skipped="{skipped}" time="0">\n'
    )


def _case(finding: Mapping[str, Any], element: str | None, check: Mapping[str, Any]) -> str:
    place = " ".join(part for part in (finding["target"], finding["item"]) if part)
    name = quoteattr(f"{finding['id']} {check['name']}: {place}")
    case = f'<testcase classname={quoteattr(finding["subject"])} name={name} time="0"'
    if element is None:
        return f"{case}/>\n"
    accepted = finding["accepted"]
    said = f"accepted by {accepted['owner']}: {accepted['reason']}" if accepted else finding["text"]
    kind = "" if element == "skipped" else f" type={quoteattr(finding['severity'])}"
    body = "" if element == "skipped" else escape("\n".join([*finding["evidence"], check["remediation"]]))
    return f"{case}><{element} message={quoteattr(said)}{kind}>{body}</{element}></testcase>\n"


def _silent_suite(host: Mapping[str, Any], at: str) -> str:
    start = _suite_start(host["name"], at, 1, {"failures": 0, "errors": 1}, 0)
    message = quoteattr(host["reason"])
    return (
        f'{start}<testcase classname="host" name="the host answers" time="0">'
        f'<error message={message} type="{host["state"]}"/></testcase>\n</testsuite>\n'
    )
