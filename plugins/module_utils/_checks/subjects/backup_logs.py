"""The check of the binary logs between the newest backup set and now: with a gap, nothing behind it comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..._backups.binlog_archive import archive_of, check_contiguous, check_not_restarted, names_without_gap
from ..._backups.binlog_index import ArchivedBinlog
from ..._backups.catalogue import catalogue
from ..._backups.repository import Repository
from ..._backups.sets import COMPLETE
from ..._mariadb.binlog.live import LiveBinlogs, ask_for_binlogs
from ..._mariadb.binlog.logs import file_number
from ..._mariadb.binlog.position import BinlogPosition
from ..._mariadb.binlog.settings import judge_settings
from ..._system.errors import LifeboatError
from ..._system.quantities import HOUR_SECONDS, count_text
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.database_server import DatabaseServer


@check(
    "B06",
    "backup.logs_contiguous",
    title="Binary logs lead from the newest set to now",
    subject="backup",
    target=DatabaseServer,
    measures="1 where a binary log between a site's newest set and now is missing; settings that endanger the logs",
    source="SHOW BINARY LOGS and SHOW GLOBAL VARIABLES, the archive of binary logs, the manifests of the sets",
    unit="bool",
    critical="0",
    impact="high",
    remediation=Remediation(
        "Back the site up now, then archive the logs more often than the server deletes them (module binlog_archive). "
        "Set what the evidence names."
    ),
    reference="own proposal: a recovery to a point in time refuses a gap, statements and partial row images",
)
def logs_contiguous(server: DatabaseServer) -> Iterator[Measurement]:
    """Judge each site that has a set with a position, and the server's settings where there is one, or an archive."""
    repository = Repository(Path(server.surroundings.settings.repository_path))
    live = ask_for_binlogs(server.query)
    if live is None:
        raise NotApplicableError("the server writes no binary log (see D31)")
    entries = archive_of(repository, live.identity.hostname, live.identity.port).entries()
    positions = {site: _newest_position(repository, site) for site in server.site_names.values()}
    known = {site: position for site, position in positions.items() if position is not None}
    if not known and not entries:
        raise NotApplicableError("there is neither a set with a position nor an archive of binary logs")
    if entries:
        newest = entries[-1]
        text = (
            f"{count_text(len(entries), 'binary log')} archived, the newest one {newest.name} of {newest.archived_at}"
        )
        yield Measurement(0, "archive", text)
    for site, position in known.items():
        yield _judge_site(site, position, entries, live)
    for finding in judge_settings(live.variables, HOUR_SECONDS):
        text = f"{finding.variable} is {finding.value or 'unknown'}, not {finding.wanted}: {finding.reason}"
        yield Measurement(1, finding.variable, text, (finding.remedy,), finding.severity)


def _newest_position(repository: Repository, site: str) -> BinlogPosition | None:
    sets = catalogue([repository.site_folder(site)], site)
    return next((backup.position for backup in sets if backup.verdict == COMPLETE and backup.position), None)


def _judge_site(
    site: str, position: BinlogPosition, entries: tuple[ArchivedBinlog, ...], live: LiveBinlogs
) -> Measurement:
    archived = {entry.name for entry in entries}
    try:
        check_not_restarted(live, max([position.file, *archived], key=file_number))
        names = names_without_gap(position.file, live.active, {*archived, *(name for name, _bytes in live.files)})
        check_contiguous([entry for entry in entries if entry.name in names])
    except LifeboatError as error:
        return Measurement(1, site, error.message)
    logs = count_text(len(names), "binary log")
    return Measurement(0, site, f"{logs} from the newest set to now, {len(archived.intersection(names))} archived")
