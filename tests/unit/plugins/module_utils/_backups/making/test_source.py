from __future__ import annotations

import json

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.source import (
    Source,
    SourceTable,
    app_commits,
    inexact_tables,
    read_source,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import AppCommit
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import ServerFacts
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

SINCE, UNTIL = BinlogPosition("0-1-5", "binlog.000001", 100), BinlogPosition("0-1-6", "binlog.000001", 200)
FACTS = ServerFacts("10.11.19-MariaDB", "/var/lib/mysql", "db", 3306, True, 1, 16384, 0)


def table(name="tabError Log", transactional=False, updated_at=1000):
    return SourceTable(name, "InnoDB" if transactional else "MyISAM", transactional, 10, updated_at)


@pytest.mark.parametrize(
    ("candidate", "since", "until", "is_inexact"),
    [
        (table(), SINCE, UNTIL, True),
        (table(updated_at=999), SINCE, UNTIL, False),
        (table(updated_at=None), SINCE, UNTIL, True),
        (table(transactional=True), SINCE, UNTIL, False),
        (table(), SINCE, SINCE, False),
        (table(), None, None, True),
    ],
    ids=["written meanwhile", "written before", "not known", "InnoDB", "nothing was written", "no binary log"],
)
def test_tables_without_transactions_that_were_written_meanwhile(candidate, since, until, is_inexact):
    found = inexact_tables([candidate], 1000, since, until)
    assert [(entry.name, entry.since, entry.until) for entry in found] == [("tabError Log", since, until)] * is_inexact


def test_a_site_on_another_kind_of_database_is_refused(tmp_path):
    site = Bench(tmp_path).site("a.b")
    site.path.mkdir(parents=True)
    site.config_path.write_text('{"db_name": "_1", "db_type": "postgres"}')
    with pytest.raises(LifeboatError) as failure:
        read_source(site, None)
    assert failure.value.error_code == "database_unsupported"


def test_what_a_source_says_of_itself(tmp_path):
    source = Source(Bench(tmp_path).site("a.b"), {"b": 1, "a": 2}, "_1", FACTS, 7, (table(), table("t", True)))
    assert (source.data_bytes, source.file_bytes) == (20, 0)
    assert source.configuration_content == b'{\n "a": 2,\n "b": 1\n}'
    assert source.site_key_fingerprint == ""
    assert (source.manifest_server.version, source.manifest_server.server_id) == ("10.11.19-MariaDB", 7)
    keyed = Source(source.site, {"encryption_key": "k"}, "_1", FACTS, 7, ())
    assert keyed.site_key_fingerprint == "8254c329a928"
    assert json.loads(keyed.configuration_content) == {"encryption_key": "k"}


def test_the_apps_come_with_their_commits(tmp_path):
    bench = Bench(tmp_path)
    bench.sites_path.mkdir()
    (bench.sites_path / "apps.txt").write_text("frappe\n")
    (bench.apps_path / "frappe/frappe").mkdir(parents=True)
    (bench.apps_path / "frappe/frappe/__init__.py").write_text('__version__ = "15.1.0"\n')
    (bench.apps_path / "frappe/.git").mkdir()
    (bench.apps_path / "frappe/.git/HEAD").write_text("0123456789abcdef\n")
    assert app_commits(bench) == (AppCommit("frappe", "15.1.0", "0123456789abcdef"),)
