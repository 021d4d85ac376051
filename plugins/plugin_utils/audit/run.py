# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what the hosts answered to the files of one report: reading, working out, writing."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from .comparison import EarlierAudit, earlier_audit
from .document import SCHEMA_VERSION, build_document
from .formats.csv_table import csv_table
from .formats.html import html
from .formats.json_text import json_text
from .formats.junit import junit
from .formats.markdown import markdown
from .formats.sarif import sarif
from .hosts import FAILED, UNREACHABLE, HostAudit, answered_host, silent_host
from .query import select

FOLDER_PREFIX = "audit-"
DATA_NAME = "report.json"
FILE_MODE = 0o640
FOLDER_MODE = 0o750
Writer = Callable[[Mapping[str, Any]], Iterator[str]]
FORMATS: dict[str, Writer] = {
    DATA_NAME: json_text,
    "report.html": html,
    "report.md": markdown,
    "report.csv": csv_table,
    "junit.xml": junit,
    "report.sarif": sarif,
}


@dataclass(frozen=True)
class AuditRequest:
    """What an audit's report is made of.

    Attributes:
        collected: By host, what its task returned: ``document`` (the file with its answer), or ``unreachable`` or
            ``failed`` with ``msg``, or nothing at all.
        folder: The folder of reports; this one gets a folder of its own in it.
        title: What was audited, for people.
        now: The moment of the audit, RFC 3339 in UTC.
        collection_version: The collection's own version.
        compare_with: The ``report.json`` to compare with; empty for the newest in ``folder``.
        query: A JMESPath expression over the document, or the empty text.
        writes: Whether files are written at all.
    """

    collected: Mapping[str, Mapping[str, Any]]
    folder: Path
    title: str
    now: str
    collection_version: str = "0.1.0"
    compare_with: str = ""
    query: str = ""
    writes: bool = True


@dataclass(frozen=True)
class AuditOutcome:
    """What came of it: the document, the folder of the report, and what was wrong with the query or the comparison."""

    document: dict[str, Any]
    path: str
    notes: list[str] = field(default_factory=list)
    error: LifeboatError | None = None


def run_audit(request: AuditRequest) -> AuditOutcome:
    """Work the report out and write it.

    A query that cannot be used does not cost the report: it is written without it, and the error returned.

    Raises:
        LifeboatError: ``report_unwritable``.
    """
    folder = request.folder / f"{FOLDER_PREFIX}{''.join(filter(str.isalnum, request.now))}"
    earlier, notes = _earlier(request, folder)
    document = build_document(
        [_read_host(name, result) for name, result in sorted(request.collected.items())],
        earlier,
        title=request.title,
        now=request.now,
        collection_version=request.collection_version,
    )
    error = None
    if request.query:
        try:
            document["selected"] = select(document, request.query)
        except LifeboatError as failure:
            error = failure
    if request.writes:
        write_reports(folder, document)
    return AuditOutcome(document, str(folder), notes, error)


def write_reports(folder: Path, document: Mapping[str, Any]) -> None:
    """Write the report in every format, each file whole or not at all; others than its group may not read it.

    Raises:
        LifeboatError: ``report_unwritable``.
    """
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        for name, pieces in FORMATS.items():
            _write_pieces(folder / name, pieces(document))
    except OSError as error:
        raise LifeboatError(
            f"Cannot write the report to {folder}: {error.strerror}. Choose another folder (lifeboat_audit_path), or "
            "make room in it, and run this again.",
            "report_unwritable",
        ) from error


def _write_pieces(path: Path, pieces: Iterable[str]) -> None:
    descriptor, temporary_name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(temporary_name)
    try:
        # Line ends are the format's own.
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.writelines(pieces)
            os.fchmod(stream.fileno(), FILE_MODE)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _read_host(name: str, result: Mapping[str, Any]) -> HostAudit:
    if result.get("document"):
        try:
            answer = json.loads(Path(result["document"]).read_bytes())
            return answered_host(name, answer["health"], answer["info"])
        except (OSError, ValueError) as error:
            return silent_host(name, FAILED, f"its answer was lost: {error}")
    reason = str(result.get("msg") or "it was not asked, or Ansible gave it up before").removeprefix("Task failed: ")
    return silent_host(name, UNREACHABLE if result.get("unreachable") else FAILED, reason)


def _earlier(request: AuditRequest, folder: Path) -> tuple[EarlierAudit | None, list[str]]:
    """Return the audit to compare with; one that cannot be read is none, and said so."""
    if request.compare_with:
        path: Path | None = Path(request.compare_with).expanduser()
    else:
        reports = sorted(request.folder.glob(f"{FOLDER_PREFIX}*/{DATA_NAME}"))
        path = next((report for report in reversed(reports) if report.parent != folder), None)
    if path is None:
        return None, []
    try:
        document = json.loads(path.read_bytes())
        if document["schema_version"] != SCHEMA_VERSION:
            return None, [f"{path} was written by another version of the collection, so nothing is compared with it."]
        return earlier_audit(document), []
    except (OSError, ValueError, KeyError, TypeError) as error:
        return None, [f"Nothing is compared with the last audit, because {path} cannot be read: {error}."]
