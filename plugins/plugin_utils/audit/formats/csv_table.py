# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The findings as a table for a spreadsheet, in which no cell can become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from ..hosts import ANSWERED, state_of

COLUMNS = (
    *("host", "state", "change", "since", "id", "title", "subject", "impact", "target", "item", "value", "unit"),
    *("text", "remediation", "accepted_reason", "accepted_by", "accepted_until"),
)
# Spreadsheets take a cell that begins so for a formula (OWASP, "CSV Injection"); full-width forms among them.
FORMULA_STARTS = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")


def csv_table(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the findings as CSV, one row a finding, and one for each host that did not answer."""
    yield _row(COLUMNS)
    for host in document["hosts"]:
        if host["state"] != ANSWERED:
            yield _row(_cells({"host": host["name"], "state": host["state"], "text": host["reason"]}))
    for finding in document["findings"]:
        check, accepted = document["checks"][finding["id"]], finding["accepted"] or {}
        yield _row(
            _cells(
                {
                    **finding,
                    "state": state_of(finding),
                    "title": check["title"],
                    "remediation": check["remediation"],
                    "accepted_reason": accepted.get("reason", ""),
                    "accepted_by": accepted.get("owner", ""),
                    "accepted_until": accepted.get("expires", ""),
                }
            )
        )


def harmless_cell(value: Any) -> Any:
    """Return a cell that is not calculated: a text that begins as a formula does gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, str) and value.lstrip().startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def _cells(values: Mapping[str, Any]) -> list[Any]:
    return [harmless_cell(values.get(column)) for column in COLUMNS]


def _row(cells: Any) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)  # RFC 4180
    return line.getvalue()
