"""``database_maintenance`` on tables of a real server: what it does, what it leaves alone, and what it refuses."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.set_lock import backup_lock
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables import (
    conditions,
    rebuild,
    statements,
    work,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.choice import Thresholds
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.conditions import (
    Conditions,
    Surroundings,
    measure,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.run import TablesRequest, run_tables
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.site_server import site_server
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.disks import Disk
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lock import SiteLock
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import read_records
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.lab import MariaDBServer
from tests.lab.processes import wait_until
from tests.maintained_site import LIMITS, MEBIBYTE, SERVER_VARIABLES, SITE, MaintainedSite

SEARCH = "__global_search"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    folder = tmp_path_factory.mktemp("maintained-server")
    with MariaDBServer(folder, **SERVER_VARIABLES) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def site(tmp_path: Path, server: MariaDBServer) -> Iterator[MaintainedSite]:
    site = MaintainedSite(tmp_path, server)
    yield site
    site.close()


def kinds(result: dict[str, Any]) -> dict[str, str]:
    return {skip["table"]: skip["kind"] for skip in result["passed_over"] if skip["table"]}


def actions(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["table"], item["action"]) for item in result["done"]]


def request(site: MaintainedSite, **changes: Any) -> TablesRequest:
    """Return what the module asks for."""
    return TablesRequest(
        state_path=site.state_path,
        sites=[site.site],
        login=site.server.login,
        limits=Thresholds(**LIMITS),
        window_minutes=60,
        until="",
        surroundings=Surroundings([], Repository(site.folder), [], site.folder),
        **changes,
    )


def test_tables_are_brought_in_order_once(site: MaintainedSite) -> None:
    site.bloat("tabVersion")
    site.fill("tabNote", 200)
    site.fill("tabText", 50, "ENGINE=Aria")
    site.fill(SEARCH, 50, "ENGINE=MyISAM")
    site.mark_as_crashed(SEARCH)
    planned = site.maintain(check_mode=True)
    assert planned["changed"]
    assert planned["diff"]["before"]["tables"] == [
        f"{SITE}: {SEARCH}: repair",
        f"{SITE}: tabNote: analyze",
        f"{SITE}: tabVersion: rebuild",
    ]
    assert [item["action"] for item in planned["plan"]] == ["repair", "check", "analyze", "rebuild"]
    assert planned["done"] == []
    assert kinds(planned) == {}
    assert not site.state_path.exists()
    assert site.free_bytes("tabVersion") > 3 * MEBIBYTE
    done = site.maintain()
    assert actions(done) == [
        (SEARCH, "repair"),
        ("tabText", "check"),
        ("tabNote", "analyze"),
        ("tabVersion", "rebuild"),
    ]
    rebuilt = done["done"][-1]
    assert rebuilt["before_bytes"] > 4 * MEBIBYTE > rebuilt["after_bytes"]
    assert done["reclaimed_bytes"] == rebuilt["before_bytes"] - rebuilt["after_bytes"]
    assert fetch_all(site.administrator, f"SELECT COUNT(*) FROM `{SEARCH}`") == [(50,)]
    (kept,) = (site.state_path / "maintenance" / "repaired").iterdir()
    assert {path.suffix for path in kept.iterdir()} == {".frm", ".MYD", ".MYI"}
    assert "rebuild-global-search" in "".join(done["lines"])
    (record,) = read_records(site.state_path)
    assert (record["module"], record["done"][-1]["table"]) == ("database_maintenance", "tabVersion")
    again = site.maintain()
    assert not again["changed"]
    assert {action for _table, action in actions(again)} == {"check"}
    assert again["window"]["began_at"] == done["window"]["began_at"]
    assert again["passed_over"][0]["kind"] == "checked_elsewhere"


def test_what_cannot_be_rebuilt_online_is_left_alone(site: MaintainedSite) -> None:
    site.fill("tabSearched", 1500)
    execute(site.administrator, "ALTER TABLE tabSearched ADD FULLTEXT (text)")
    execute(site.administrator, "CREATE TABLE tabParts (name INT PRIMARY KEY) PARTITION BY HASH (name) PARTITIONS 2")
    nothing = {"rebuild_min_bytes": 0, "reclaim_min_bytes": 0, "reclaim_min_percent": 0}
    planned = site.maintain(check_mode=True, thresholds=nothing)
    assert kinds(planned) == {"tabSearched": "not_online", "tabParts": "partitioned"}


def test_moment_is_looked_at_right_before(site: MaintainedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.bloat("tabVersion")
    shutil.rmtree(site.site.backups_path)
    assert kinds(site.maintain()) == {"tabVersion": "backup"}
    site.make_backup(age_seconds=27 * 3600)
    assert kinds(site.maintain()) == {"tabVersion": "backup"}
    site.make_backup()
    assert kinds(site.maintain(until="2026-01-01T00:00:00Z")) == {"tabVersion": "window"}
    assert kinds(site.maintain(check_mode=True, until="2026-01-01T00:00:00Z")) == {"tabVersion": "window"}
    stop = site.state_path / "maintenance.stop"
    stop.touch()
    stopped = site.maintain()
    assert (kinds(stopped), stopped["changed"]) == ({"tabVersion": "stopped"}, False)
    stop.unlink()
    monkeypatch.setattr(work, "obstacle", lambda item, _now, _limits: work._skip(item, "busy", "by then"))
    assert kinds(site.maintain()) == {"tabVersion": "busy"}
    monkeypatch.setattr(work, "_free_bytes", lambda _server, _table: 0)
    assert kinds(site.maintain()) == {"tabVersion": "unneeded"}


def test_conditions_are_measured(site: MaintainedSite) -> None:
    def look(*replicas: str) -> Conditions:
        surroundings = Surroundings(replicas, Repository(site.folder), [], site.folder)
        return measure(site.administrator, site.site, site.database, surroundings, time.time())

    def rested() -> bool:
        """InnoDB looks at its transactions again when nobody asked for a tenth of a second."""
        return fetch_all(site.administrator, "SELECT SLEEP(0.2)") == [(0,)]

    site.fill("tabNote", 10)
    with closing(connect(site.server.login, site.database)) as other:
        other.begin()
        execute(other, "DELETE FROM tabNote")
        wait_until(lambda: rested() and look().transaction_seconds >= 1, "a transaction that is a second old")
        other.rollback()
    # The server itself stands for a replica: it has applied nothing of another's log.
    assert rested()
    itself = f"127.0.0.1:{site.server.port}"
    found = look(itself)
    assert found.late_replicas == (itself,)
    assert found.transaction_seconds < 1
    assert found.backup_age_seconds is not None
    assert found.backup_age_seconds < 3600
    assert found.data_room is not None
    assert found.data_room.free_bytes > 0
    assert not found.is_backup_running
    with backup_lock(Repository(site.folder).site_folder(SITE)):
        assert look().is_backup_running
    unreachable = site.maintain(replicas=["127.0.0.1:1"], thresholds={"rebuild_min_bytes": 0, "reclaim_min_bytes": 0})
    assert unreachable["refused"] == []  # nothing to rebuild: nobody asks the replica
    site.bloat("tabVersion")
    refused = site.maintain(replicas=["127.0.0.1:1"])["refused"]
    assert refused[0]["error_code"] == "mariadb_unreachable"


def test_server_that_refuses_is_named(site: MaintainedSite) -> None:
    site.bloat("tabVersion")
    site.configure("wrong")
    refused = site.maintain()
    assert [refusal["error_code"] for refusal in refused["refused"]] == ["mariadb_access_denied"]
    assert "site_config.json" in refused["refused"][0]["reason"]
    site.configure("site-password")
    nobody = site.maintain(login_user="nobody", login_password="x", config_file="/nonexistent")
    assert [refusal["error_code"] for refusal in nobody["refused"]] == ["mariadb_access_denied"]
    assert "x" not in nobody["refused"][0]["reason"].split()
    own = site.maintain(login_user=site.database, login_password="site-password", config_file="/nonexistent")
    assert [refusal["error_code"] for refusal in own["refused"]] == ["mariadb_access_denied"]
    execute(site.administrator, "SET GLOBAL read_only = 1")
    try:
        read_only = site.maintain()
    finally:
        execute(site.administrator, "SET GLOBAL read_only = 0")
    assert [refusal["error_code"] for refusal in read_only["refused"]] == ["server_read_only"]
    assert "maintain" in read_only["refused"][0]["reason"]
    for result in (refused, nobody, own, read_only):
        assert (result["changed"], result["done"]) == (False, [])
    assert site.free_bytes("tabVersion") > 3 * MEBIBYTE
    assert site.maintain(until="later")["error_code"] == "window_invalid"


def test_site_that_is_recovered_at_the_moment_is_refused(site: MaintainedSite) -> None:
    site.bloat("tabVersion")
    site.fill("tabNote", 200)
    lock = SiteLock(site.state_path, SITE)
    with lock.hold("recovery-1"):
        refused = site.maintain()
    assert [refusal["error_code"] for refusal in refused["refused"]] == ["site_locked"]
    assert not refused["changed"]
    assert site.maintain(sites=[SITE])["changed"]
    assert site.maintain(sites=["b.example"])["refused"][0]["error_code"] == "configuration_missing"


def test_table_that_nobody_can_open_is_refused(site: MaintainedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.fill("tabNote", 10)
    site.fill(SEARCH, 10, "ENGINE=MyISAM")
    site.mark_as_crashed(SEARCH)
    folder = site.server.data_path / site.database
    shutil.copy2(folder / "tabNote.frm", folder / "tabLost.frm")
    monkeypatch.setattr(work, "repair", lambda _own, _table: "Corrupt")
    refused = site.maintain()
    assert [refusal["error_code"] for refusal in refused["refused"]] == ["table_unreadable", "table_unreadable"]
    assert "tabLost" in refused["refused"][0]["reason"]
    assert SEARCH in refused["refused"][1]["reason"]
    (folder / "tabLost.frm").unlink()


def test_check_that_finds_damage_repairs(site: MaintainedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.fill(SEARCH, 10, "ENGINE=MyISAM")
    monkeypatch.setattr(work, "check", lambda _own, _table: "Corrupt")
    assert actions(site.maintain()) == [(SEARCH, "repair")]
    monkeypatch.setattr(statements, "FINE", ())
    assert statements.check(site.administrator, SEARCH) != ""


def test_statistics_that_cannot_be_made_are_skipped(site: MaintainedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.fill("tabNote", 200)
    monkeypatch.setattr(work, "analyze", lambda _own, _table: "Operation failed")
    assert kinds(site.maintain()) == {"tabNote": "failed"}


def test_copies_of_repaired_tables_expire_unless_the_clock_is_ahead(site: MaintainedSite) -> None:
    old = site.state_path / "maintenance" / "repaired" / f"{SITE}-20200101T000000Z"
    new = old.with_name(time.strftime(f"{SITE}-%Y%m%dT%H%M%SZ", time.gmtime()))
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "tabNote.MYD").touch()
    ahead = run_tables(request(site, clock=lambda: time.time() + 100 * 86400), False, ProgressReporter())
    assert [refusal["error_code"] for refusal in ahead["refused"]] == ["clock_ahead"]
    assert site.maintain(check_mode=True)["expired"] == [str(old)]
    assert (old / "tabNote.MYD").exists()
    done = site.maintain()
    assert (done["changed"], done["expired"]) == (True, [str(old)])
    assert str(old) in "".join(done["lines"])
    assert [path.name for path in old.parent.iterdir()] == [new.name]
    assert read_records(site.state_path)[-1]["expired"] == [str(old)]
    assert not site.maintain()["changed"]


def test_server_on_another_host_is_rebuilt_where_it_tells_of_its_disks(
    site: MaintainedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.bloat("tabVersion")
    monkeypatch.setattr(conditions, "local_datadir", lambda _facts: None)
    held_off = site.maintain()
    assert kinds(held_off) == {"tabVersion": "space"}
    assert "INSTALL SONAME 'disks' in it" in "".join(held_off["lines"])
    full = [Disk(PurePosixPath("/"), 100 * MEBIBYTE, 0)]
    monkeypatch.setattr(conditions, "read_disks", lambda _connection: full)
    assert "has 0 bytes free" in "".join(site.maintain()["lines"])
    roomy = [Disk(PurePosixPath("/"), 100_000 * MEBIBYTE, 90_000 * MEBIBYTE)]
    monkeypatch.setattr(conditions, "read_disks", lambda _connection: roomy)
    assert actions(site.maintain()) == [("tabVersion", "rebuild")]


class Gone(ProgressReporter):
    """Whoever listened is gone when the first table is begun."""

    def update(
        self, done_bytes: int | None = None, done_items: int | None = None, item_name: str | None = None
    ) -> None:
        super().update(done_bytes, done_items, item_name)
        if item_name:
            raise LifeboatError("Gave up: nobody listens.", "caller_gone")


def test_nothing_goes_on_when_nobody_listens(site: MaintainedSite) -> None:
    site.bloat("tabVersion")
    with pytest.raises(LifeboatError) as gone:
        run_tables(request(site), False, Gone())
    assert gone.value.error_code == "caller_gone"
    assert read_records(site.state_path)[-1]["error_code"] == "caller_gone"
    assert site.free_bytes("tabVersion") > 3 * MEBIBYTE


def test_site_is_reached_with_both_accounts(site: MaintainedSite) -> None:
    with site_server(site.site, site.server.login) as server:
        assert server.datadir == site.server.data_path
        users = [fetch_all(one, "SELECT USER()")[0][0] for one in (server.own, server.administrator)]
        assert [user.partition("@")[0] for user in users] == [site.database, "root"]
        assert fetch_all(server.own, "SELECT @@lock_wait_timeout") == [(5,)]


def test_state_that_was_kept_is_used(site: MaintainedSite) -> None:
    site.bloat("tabVersion")
    now = time.time()
    kept = {
        "bytes_per_second": 1000,
        "window": {"began_at": now - 60, "ends_at": now + 60},
        "rebuilt": {SITE: ["tabVersion"]},
    }
    (site.state_path / "maintenance").mkdir(parents=True)
    (site.state_path / "maintenance" / "tables.json").write_text(json.dumps(kept))
    assert kinds(site.maintain(check_mode=True)) == {"tabVersion": "done"}
    kept["window"] = {"began_at": now - 60, "ends_at": now - 30}
    (site.state_path / "maintenance" / "tables.json").write_text(json.dumps(kept))
    # At a thousand bytes a second it would take hours.
    assert kinds(site.maintain(check_mode=True)) == {"tabVersion": "window"}


@pytest.mark.promise(12)
def test_server_that_dies_in_a_rebuild_has_the_table_as_it_was(
    site: MaintainedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.bloat("tabVersion")
    site.fill("tabNote", 3000)
    looked = rebuild.others_waiting
    monkeypatch.setattr(rebuild, "POLL_SECONDS", 0.01)

    def look(administrator: Any, database: str, thread_id: int) -> list[tuple[int, int]]:
        site.server.kill()
        return looked(administrator, database, thread_id)

    monkeypatch.setattr(rebuild, "others_waiting", look)
    with closing(connect(site.server.login, site.database)) as reader:
        reader.begin()
        fetch_all(reader, "SELECT * FROM tabVersion LIMIT 1")
        done = site.maintain()
    assert [refusal["error_code"] for refusal in done["refused"]] == ["mariadb_lost"]
    monkeypatch.undo()
    site.server.start()
    site.administrator.ping()
    execute(site.administrator, f"USE `{site.database}`")
    assert fetch_all(site.administrator, "SELECT COUNT(*) FROM tabVersion") == [(10,)]
    site.maintain()
    assert not site.maintain()["changed"]
    assert site.free_bytes("tabVersion") < MEBIBYTE
    assert site.leftovers() == []
