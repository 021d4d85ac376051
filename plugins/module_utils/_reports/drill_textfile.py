"""The last drills of a host as metrics for the textfile collector of the node_exporter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Callable

from .._backups.drill_records import DRILL_RECORDS_NAME, PASSED, read_drill_records
from .._system.errors import LifeboatError
from .._system.times import parse_rfc3339
from .textfile import family, write_textfile


def write_drill_textfile(path: Path, state_path: Path) -> None:
    """Write the metrics of every site of the host that was ever drilled.

    Args:
        path: The file; its folder exists.
        state_path: The folder of the collection's state.

    Raises:
        LifeboatError: ``report_unwritable``.
    """
    sites = sorted({found.parent.name for found in state_path.glob(f"*/{DRILL_RECORDS_NAME}*")})
    content = drill_textfile({site: read_drill_records(state_path, site) for site in sites})
    try:
        write_textfile(path, content)
    except OSError as error:
        raise LifeboatError(
            f"Cannot write the metrics of drills to {path}: {error.strerror}. Make its folder, or correct "
            "textfile_path; the record of the drill is kept.",
            "report_unwritable",
            {"path": str(path)},
        ) from error


def drill_textfile(records: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the metrics in the text format of Prometheus. Pure; no text of a finding is in them.

    Args:
        records: The records of the drills of each site, oldest first.
    """
    drilled = {site: found for site, found in records.items() if found}
    families = (
        family(
            "lifeboat_drill_ok",
            "1 where the last drill of a site passed, 0 where it failed.",
            (({"site": site}, _passed(found[-1])) for site, found in drilled.items()),
        ),
        family(
            "lifeboat_drill_last_run_timestamp_seconds",
            "When the last drill of a site ended, in Unix time.",
            (({"site": site}, _ended_seconds(found[-1])) for site, found in drilled.items()),
        ),
        family(
            "lifeboat_drill_last_success_timestamp_seconds",
            "When the last drill of a site that passed ended, in Unix time; no sample where none ever did.",
            (({"site": site}, _ended_seconds(passed)) for site, passed in _last(drilled, _passed)),
        ),
        family(
            "lifeboat_drill_rto_seconds",
            "What a recovery of a site would have taken up to its promotion, by its last drill that came so far.",
            (
                ({"site": site, "kind": str(last["kind"])}, float(last["rto_seconds"]))
                for site, last in _last(drilled, _is_timed)
            ),
        ),
    )
    return "".join(line + "\n" for lines in families for line in lines)


def _last(
    drilled: Mapping[str, Sequence[Mapping[str, Any]]], is_meant: Callable[[Mapping[str, Any]], bool]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the last drill of each site that is meant; nothing for a site without one."""
    for site, found in drilled.items():
        yield from ((site, record) for record in list(filter(is_meant, found))[-1:])


def _passed(record: Mapping[str, Any]) -> bool:
    return bool(record["outcome"] == PASSED)


def _is_timed(record: Mapping[str, Any]) -> bool:
    return record["rto_seconds"] is not None


def _ended_seconds(record: Mapping[str, Any]) -> float:
    return parse_rfc3339(str(record["ended_at"])).timestamp()
