"""Retention with the archive of a real server: what stays leads from the oldest set to now."""

from __future__ import annotations

from contextlib import closing

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import ManifestServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import read_live_binlogs
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, fetch_all
from ansible_collections.lifeboat.frappe.plugins.modules import backup_retention

from tests.backup_sets import SITE, write_repository_set
from tests.binlog_archives import BinlogArchives
from tests.lab import MariaDBServer
from tests.modules import run_module


def test_the_logs_that_stay_lead_from_the_oldest_set_to_now(tmp_path):
    with MariaDBServer(tmp_path / "server", binlog_format="ROW") as server:
        archives = BinlogArchives(server, tmp_path)
        site_folder = archives.repository_path / "sites" / SITE
        kept = ""
        for day in (17, 18, 19):
            with closing(connect(server.login)) as connection:
                identity = read_live_binlogs(connection).identity
                file, offset, *_filters = fetch_all(connection, "SHOW MASTER STATUS")[0]
                ((gtid,),) = fetch_all(connection, "SELECT @@gtid_binlog_pos")
            position, kept = BinlogPosition(gtid, file, offset), gtid
            write_repository_set(
                site_folder,
                f"202001{day}_000000-site1_local",
                files={"database.sql.gz": ("database", b"dump")},
                position=position,
                server=ManifestServer("10.11.6-MariaDB", 16384, 1, identity.hostname, identity.port),
            )
            archives.write(day)
            archives.keep()
        before = archives.names
        policy = {"keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0, "keep_minimum": 1}
        done = run_module(
            backup_retention,
            repository_path=str(archives.repository_path),
            state_path=str(tmp_path / "state"),
            **policy,
        )
        assert not done["failed"], done
        (plan,) = done["binlogs"]
        assert plan["needed_from"] == position.file
        assert archives.names == before[before.index(position.file) :]
        assert before[0] in plan["removed"]
        archives.write(20)
        sequence = int(kept.rpartition("-")[2])
        assert archives.gtids_to_now(position) == [f"0-1-{sequence + 1}", f"0-1-{sequence + 2}"]
