"""``binlog_info`` without a server: what the archive alone says, and what cannot be asked."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_index import write_entry
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_store import store_binlog
from ansible_collections.lifeboat.frappe.plugins.modules import binlog_info

from tests.binlog_files import BEGAN_SECONDS, DELETE, IDENTITY, LogBuilder, archived_binlog
from tests.modules import run_module

# Nothing listens there.
SERVER = {"login_host": "127.0.0.1", "login_port": 1, "config_file": "/nonexistent"}


@pytest.fixture
def repository(tmp_path):
    """An archive of two logs, with a deletion in each, one minute apart."""
    folder = tmp_path / "binlogs" / "db1-3306"
    folder.mkdir(parents=True)
    first = LogBuilder().change("0-1-1", "tabItem", DELETE, 3).rotate("binlog.000002")
    second = LogBuilder("0-1-1", began_seconds=BEGAN_SECONDS + 60).change("0-1-2", "tabItem", DELETE, 4)
    previous = None
    for name, log in (("binlog.000001", first), ("binlog.000002", second)):
        previous = store_binlog(
            log.stream(),
            name,
            len(log.content),
            folder,
            compression="gzip",
            previous=previous,
            server=IDENTITY,
            now=lambda: 0.0,
            on_step=str,
        )
    return tmp_path


def ask(repository, **options):
    return run_module(binlog_info, repository_path=str(repository), **{**SERVER, **options})


def gtids(result):
    assert not result["failed"], result
    return [transaction["gtid"] for transaction in result["transactions"]]


def test_the_only_archive_does_where_the_server_is_gone(repository):
    result = ask(repository, tables=["Item"], operations=["delete"])
    assert gtids(result) == ["0-1-2", "0-1-1"]
    assert "Cannot reach MariaDB" in result["notes"][0]
    assert result["window"] == {
        "logs_from": "2026-11-21T03:00:00Z",
        "from": "",
        "to": "",
        "first_file": "binlog.000001",
        "last_file": "binlog.000002",
        "size_bytes": result["window"]["size_bytes"],
    }
    assert (result["changed"], result["matching"], result["read"]) == (False, 2, 2)


def test_logs_of_another_time_are_not_read(repository):
    late = ask(repository, since="2026-11-21T08:31:00+05:30")
    assert (gtids(late), late["read"]) == (["0-1-2"], 1)
    early = ask(repository, until="2026-11-21T03:00:30Z")
    assert (gtids(early), early["read"]) == (["0-1-1"], 1)
    assert ask(repository, limit=0)["read"] == 0


def test_an_empty_log_at_an_end_is_not_read(repository):
    folder = repository / "binlogs" / "db1-3306"
    LogBuilder("0-1-2").save(folder, "binlog.000003.zst")
    write_entry(folder, archived_binlog(3, "0-1-2", "0-1-2"))
    result = ask(repository)
    assert (gtids(result), result["window"]["last_file"]) == (["0-1-2", "0-1-1"], "binlog.000003")


def test_only_what_is_behind_a_gap_counts(repository):
    folder = repository / "binlogs" / "db1-3306"
    write_entry(folder, archived_binlog(7, "0-1-9", "0-1-9"))
    LogBuilder("0-1-9").save(folder, "binlog.000007.zst")
    result = ask(repository)
    assert (gtids(result), result["window"]["first_file"]) == ([], "binlog.000007")


def test_a_time_without_an_offset(repository):
    result = ask(repository, since="2026-11-21 08:40:00")
    assert (result["error_code"], "Cannot read since" in result["msg"]) == ("recover_to_invalid", True)


def test_which_archive_is_meant(repository):
    (repository / "binlogs" / "db2-3306").mkdir()
    result = ask(repository)
    assert (result["error_code"], result["details"]["archives"]) == ("binlog_missing", ["db1-3306", "db2-3306"])
    assert gtids(ask(repository, archive="db1-3306")) == ["0-1-2", "0-1-1"]
    empty = ask(repository, archive="db2-3306")
    assert (empty["error_code"], "holds none" in empty["msg"]) == ("binlog_missing", True)
    assert ask(repository / "none")["details"]["archives"] == []
    assert ask(repository, archive="..")["error_code"] == "path_unsafe"


def bench_with(tmp_path, configuration):
    site = tmp_path / "bench" / "sites" / "erp.example.com"
    site.mkdir(parents=True)
    (site.parent / "common_site_config.json").write_text("{}")
    (site / "site_config.json").write_text(configuration)
    return {"bench_path": str(tmp_path / "bench"), "site": "erp.example.com"}


def test_the_database_of_a_site(repository, tmp_path):
    named = bench_with(tmp_path, '{"db_name": "s1"}')
    (found, _older) = ask(repository, **named)["transactions"]
    assert found["undo"] == "-e site=erp.example.com -e undo=0-1-2"
    other = {**named, "databases": []}
    (tmp_path / "bench" / "sites" / "erp.example.com" / "site_config.json").write_text('{"db_name": "s9"}')
    assert gtids(ask(repository, **other)) == []
    assert len(gtids(ask(repository, **{**other, "databases": ["s1"]}))) == 2


def test_a_site_whose_configuration_is_lost(repository, tmp_path):
    lost = bench_with(tmp_path, "{")
    assert ask(repository, **lost)["error_code"] == "configuration_invalid"
    assert len(gtids(ask(repository, **lost, databases=["s1"]))) == 2
