"""Up to when the logs behind a set can be read."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archive import BinlogArchive, archive_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_index import ArchivedBinlog, write_entry
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import ManifestServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import LiveBinlogs, ServerIdentity
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.site_logs import SiteLogs, logs_behind

SERVER = ServerIdentity("uid", 1, "db", 3306)
LIVE = LiveBinlogs(SERVER, {}, (("binlog.000001", 400),), Path("/data"), "")
NOW = 2_000_000_000.0


def test_logs_that_can_be_read_here_reach_up_to_now(tmp_path: Path) -> None:
    here = SiteLogs(BinlogArchive(tmp_path), LIVE)
    assert here.reach_now
    assert here.until_seconds(NOW) == here.end_seconds(NOW) == NOW


def test_logs_of_another_host_reach_up_to_the_last_archived_commit(tmp_path: Path) -> None:
    away = SiteLogs(BinlogArchive(tmp_path), replace(LIVE, folder=None))
    gone = SiteLogs(BinlogArchive(tmp_path), None)
    assert not away.reach_now
    assert away.until_seconds(NOW) == gone.until_seconds(NOW) == 0.0
    fields = dict.fromkeys(ArchivedBinlog.__dataclass_fields__, "")
    for number, commit in ((1, "2026-11-21T03:10:00Z"), (2, "")):
        entry = ArchivedBinlog(
            **{
                **fields,
                "name": f"binlog.00000{number}",
                "latest_commit": commit,
                "server": SERVER,
                **dict.fromkeys(("size_bytes", "stored_bytes", "transactions", "row_statements", "partial_images"), 0),
            }
        )
        write_entry(tmp_path, entry)
    assert away.until_seconds(NOW) == gone.until_seconds(NOW) == gone.end_seconds(NOW) == 1795230600.0
    assert away.end_seconds(NOW) == NOW  # its last log is archived when the site is closed
    server = ManifestServer("10.11.6-MariaDB", 16384, SERVER.server_id, SERVER.hostname, SERVER.port)
    anew = logs_behind(LIVE, server, Repository(tmp_path))
    assert (anew.live, anew.has_begun_anew) == (LIVE, False)
    folder = archive_of(Repository(tmp_path), SERVER.hostname, SERVER.port).folder
    folder.parent.mkdir()
    shutil.copytree(tmp_path, folder, ignore=shutil.ignore_patterns("binlogs"))
    anew = logs_behind(LIVE, server, Repository(tmp_path))
    assert (anew.live, anew.has_begun_anew) == (None, True)
