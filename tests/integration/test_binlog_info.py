"""The module binlog_info on a real server: who deleted 400 invoices, and back to which moments the site can go."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import ManifestServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import read_live_binlogs
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect
from ansible_collections.lifeboat.frappe.plugins.modules import binlog_info

from tests.backup_sets import RUN, moment_of, write_repository_set
from tests.binlog_archives import BinlogArchives
from tests.modules import run_module

SITE = "erp.example.com"
SECRET = "ACME Corporation"


@pytest.fixture
def archives(row_log_server, tmp_path):
    """A morning of a site, the first part of which is archived."""
    archives = BinlogArchives(row_log_server, tmp_path)
    archives.run(
        "USE s1",
        "CREATE TABLE `tabSales Invoice` (name varchar(140) PRIMARY KEY, customer varchar(140))",
        "CREATE TABLE `tabDeleted Document` (name varchar(140) PRIMARY KEY)",
        f"INSERT INTO `tabSales Invoice` SELECT CONCAT('SINV-', seq), '{SECRET}' FROM seq_1_to_500",
    )
    archives.keep(archive=None)
    archives.run(
        "USE s1",
        "BEGIN",
        "INSERT INTO `tabDeleted Document` SELECT CONCAT('D-', seq) FROM seq_1_to_400",
        f"DELETE FROM `tabSales Invoice` WHERE customer = '{SECRET}' LIMIT 400",
        "COMMIT",
        f"UPDATE `tabSales Invoice` SET customer = 'x' WHERE customer = '{SECRET}'",
        "ALTER TABLE `tabSales Invoice` ADD COLUMN note text",
    )
    return archives


@pytest.fixture
def ask(row_log_server, archives, tmp_path):
    """Run the module for the site, which must not fail and must not tell a value."""
    site = tmp_path / "bench" / "sites" / SITE
    site.mkdir(parents=True)
    (site.parent / "common_site_config.json").write_text("{}")
    (site / "site_config.json").write_text(json.dumps({"db_name": "s1", "db_port": row_log_server.port}))

    def run(**options):
        given = {
            "site": SITE,
            "bench_path": str(tmp_path / "bench"),
            "config_file": str(row_log_server.option_file),
            **options,
        }
        result = run_module(binlog_info, repository_path=str(archives.repository_path), **given)
        assert not result["failed"], result
        assert result["changed"] is False
        assert SECRET not in json.dumps(result)
        assert "SINV-" not in json.dumps(result)
        return result

    return run


def test_who_deleted_400_invoices(ask):
    result = ask(tables=["Sales Invoice"], operations=["delete"], minimal_rows=400)
    (found,) = result["transactions"]
    assert found["tables"] == [
        {"database": "s1", "table": "tabDeleted Document", "inserted": 400, "updated": 0, "deleted": 0, "exact": True},
        {"database": "s1", "table": "tabSales Invoice", "inserted": 0, "updated": 0, "deleted": 400, "exact": True},
    ]
    assert (found["rows"], found["matching_rows"], found["databases"]) == (800, 400, ["s1"])
    assert "delete from `tabSales Invoice` where customer = ? limit ?" in found["originals"]
    assert found["recover"] == f"-e site={SITE} -e recover_to=before:{found['gtid']}"
    assert found["undo"] == f"-e site={SITE} -e undo={found['gtid']}"
    assert (result["matching"], result["notes"]) == (1, [])


def test_archived_and_live_logs_are_one(ask):
    result = ask(tables=["tabSales Invoice"], order="oldest")
    said = [found["statements"] or [f"{found['matching_rows']} rows"] for found in result["transactions"]]
    assert said == [["CREATE TABLE"], ["500 rows"], ["400 rows"], ["100 rows"], ["ALTER TABLE"]]
    altered = result["transactions"][-1]
    assert (altered["undo"], altered["not_undone_because"]) == ("", "it changes a schema")
    assert altered["thread_id"] > 0
    assert result["window"]["first_file"] == "binlog.000001"
    assert [found["gtid"] for found in ask(limit=1)["transactions"]] == [altered["gtid"]]


def test_the_window_begins_with_the_oldest_set_that_the_logs_lead_on_from(ask, archives, row_log_server):
    empty = ask(limit=0)["window"]
    assert (empty["from"], empty["to"]) == ("", "")
    folder = archives.repository_path / "sites" / SITE
    server = manifest_server(row_log_server)
    gone = f"19990101_000000-{RUN.partition('-')[2]}"
    here = BinlogPosition("", "binlog.000002", 4)
    write_repository_set(folder, database="s1", server=server, position=here)
    write_repository_set(folder, name=gone, database="s1", server=server, position=BinlogPosition("", "old.000001", 4))
    before = datetime.now(timezone.utc).replace(microsecond=0)
    window = ask(limit=0)["window"]
    assert window["from"] == moment_of(RUN)
    assert datetime.fromisoformat(window["to"].replace("Z", "+00:00")) >= before


def manifest_server(server):
    with closing(connect(server.login)) as connection:
        identity = read_live_binlogs(connection).identity
    return ManifestServer("10.11.19-MariaDB", 16384, identity.server_id, identity.hostname, identity.port)


def test_a_server_elsewhere_is_told(ask, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    result = ask(tables=["Sales Invoice"], order="oldest")
    assert len(result["transactions"]) == 2
    assert "Run the module binlog_archive first" in result["notes"][0]


def test_logs_behind_a_gap_do_not_count(ask, archives):
    archives.run("FLUSH BINARY LOGS")
    archives.run("RESET MASTER")
    archives.write(99)
    result = ask()
    assert [found["rows"] for found in result["transactions"]] == [1]
    assert "Older logs of the archive do not count" in result["notes"][0]
