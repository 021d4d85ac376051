"""A whole run of the checks, from its options to its result: what the module and the scheduled script share."""

from __future__ import annotations

from typing import Any

from .._checks.examination import Examination, examine
from .._checks.options import HealthOptions
from .._checks.summary import summarise
from .._checks.targets.target import Surroundings
from .nagios import nagios_line
from .textfile import textfile, write_textfile


def check_health(options: HealthOptions, surroundings: Surroundings, may_write: bool) -> dict[str, Any]:
    """Check this host, and write the history and the metrics where the options ask for them.

    Args:
        options: What to check.
        surroundings: The I/O of the checks.
        may_write: False leaves the disk as it is.

    Returns:
        ``findings``, ``summary``, ``nagios``, ``benches``, ``notes`` and ``seconds``, as JSON can hold them.

    Raises:
        LifeboatError: ``bench_not_found`` when the options name a bench that is not there.
    """
    examination = examine(options, surroundings, may_write)
    summary = summarise(examination.findings)
    line, exit_code = nagios_line(examination.findings, summary)
    notes = [*examination.notes, *(_write_metrics(options, examination, summary) if may_write else [])]
    return {
        "findings": [finding.as_dict() for finding in examination.findings],
        "summary": summary,
        "nagios": {"line": line, "exit_code": exit_code},
        "benches": examination.benches,
        "notes": notes,
        "seconds": examination.seconds,
    }


def _write_metrics(options: HealthOptions, examination: Examination, summary: dict[str, Any]) -> list[str]:
    if options.textfile_path is None:
        return []
    content = textfile(examination.findings, summary, examination.at_seconds, examination.seconds)
    try:
        write_textfile(options.textfile_path, content)
    except OSError as error:
        return [f"The metrics could not be written to {options.textfile_path}: {error.strerror}."]
    return []
