"""Dropped sites go when a backup of them is proven, and what is alive stays: archived_site, archived_database."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import run as cleanup_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.planning import make_plan
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all

from tests.backup_sets import write_repository_set
from tests.cleanup_folder import DAY_SECONDS, make_bench
from tests.cleanup_runs import request_of
from tests.killed_at_changes import kills
from tests.lab import MariaDBServer

SITE = "old.example"
DATABASE = "_old"
# The folder is archived now, and looked at as if so many days had passed since.
DAYS = 40
SET = "20261121_030000-old_example"


class Archive:
    """A bench with a dropped site, and a set of it in the repository."""

    def __init__(self, folder: Path, port: int = 1, password: str = "") -> None:
        self.folder = folder
        self.bench: Bench = make_bench(folder)
        login = {"db_host": "127.0.0.1", "db_port": port, "root_login": "root", "root_password": password or "x"}
        self.bench.common_config_path.write_text(json.dumps(login))
        self.make_site()
        self.make_set()

    @property
    def site(self) -> Path:
        return self.bench.path / "archived" / "sites" / SITE

    def make_site(self) -> None:
        """Make the archived site, whose data is a little older than its set."""
        shutil.rmtree(self.site.parent, ignore_errors=True)
        (self.site / "private" / "backups").mkdir(parents=True)
        (self.site / "site_config.json").write_text(json.dumps({"db_name": DATABASE, "db_password": "p"}))
        (self.site / "private" / "backups" / "20261101_000000-old_example-database.sql.gz").write_bytes(b"x" * 5000)
        for path in self.site.rglob("*"):
            os.utime(path, (1_700_000_000, 1_700_000_000))

    def make_set(self, **changes: Any) -> None:
        """Make a whole set of the site."""
        shutil.rmtree(self.folder / "repository", ignore_errors=True)
        write_repository_set(self.folder / "repository" / "sites" / SITE, SET, **{"database": DATABASE, **changes})

    def run(
        self, *, check_mode: bool = False, days: float = DAYS, protected: tuple[str, ...] = (), **settings: Any
    ) -> dict[str, Any]:
        rules = {"archived_sites": {"repository_path": str(self.folder / "repository"), **settings}}
        now = time.time() + days * DAY_SECONDS
        request = request_of(self.folder, [self.bench], rules, now=now, protected=protected)
        return run_clean(request, None, check_mode)

    def refusal(self, **settings: Any) -> tuple[str, str]:
        done = self.run(**settings)
        assert not done["changed"]
        assert self.site.is_dir()
        ((code, reason),) = [(found["error_code"], found["reason"]) for found in done["refused"]]
        return code, reason


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test look from a later day, as if the host's clock had gone on."""
    monkeypatch.setattr(cleanup_run, "refuse_clock_ahead", lambda _now: None)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


@pytest.mark.promise(25)
def test_site_with_a_proven_backup_goes_once(archive: Archive) -> None:
    planned = archive.run(check_mode=True)
    assert archive.site.is_dir()
    (task,) = json.loads(planned["plan"])["tasks"]
    assert SET in task["reason"]
    assert "cannot be told" in task["reason"], "its server does not answer"
    assert "20261101_000000-old_example-database.sql.gz" in task["reason"]
    assert [(task["outcome"], task["count"]) for task in archive.run()["tasks"]] == [("done", 1)]
    assert list(archive.site.parent.iterdir()) == []
    assert not archive.run()["changed"]


def test_site_within_its_grace_is_told_and_stays(archive: Archive) -> None:
    done = archive.run(days=20)
    assert not done["changed"]
    ((subject, text),) = [(note["subject"], note["text"]) for note in done["noted"]]
    assert (subject, "archived or changed 20 days ago" in text) == (str(archive.site), True)
    assert any("stays until 30 days are over" in line for line in done["lines"])
    assert archive.run(days=3, older_than_days=2)["changed"]


@pytest.mark.parametrize(
    "changes",
    [{"database": "_other"}, {"recovery_point": "2020-01-01T00:00:00Z"}],
    ids=["of another database", "older than the files"],
)
def test_site_without_a_backup_of_its_data_is_refused(archive: Archive, changes: dict[str, Any]) -> None:
    archive.make_set(**changes)
    code, reason = archive.refusal()
    assert code == "archive_unproven"
    assert "no complete set" in reason


@pytest.mark.promise(24)
def test_changed_set_proves_nothing(archive: Archive) -> None:
    (dump,) = (archive.folder / "repository").rglob("*database*.gz")
    content = dump.read_bytes()
    dump.write_bytes(content[:-1] + b"x")
    assert archive.refusal()[0] == "archive_unproven"
    dump.unlink()
    assert archive.refusal()[0] == "archive_unproven"


def test_open_and_protected_sites_stay(archive: Archive) -> None:
    with (archive.site / "site_config.json").open():
        assert "(open)" in archive.refusal()[1]
    assert "(protected)" in archive.refusal(protected=(f"{archive.site}/*",))[1]
    (archive.site / "site_config.json").write_text("no json")
    assert archive.refusal()[0] == "configuration_invalid"


def reviewed_run(archive: Archive, change: Any) -> dict[str, Any]:
    """Plan, change something, and apply the plan that was reviewed."""
    rules = {"archived_sites": {"repository_path": str(archive.folder / "repository")}}
    request = request_of(archive.folder, [archive.bench], rules, now=time.time() + DAYS * DAY_SECONDS)
    plan = make_plan(request)
    assert len(plan.tasks) == 1
    change()
    return run_clean(request, plan, check_mode=False)


def test_link_between_plan_and_apply_is_not_followed(archive: Archive) -> None:
    elsewhere = archive.folder / "elsewhere"

    def swap() -> None:
        archive.site.rename(elsewhere)
        archive.site.symlink_to(elsewhere)

    assert reviewed_run(archive, swap)["refused"][0]["error_code"] == "plan_refused"
    assert (elsewhere / "site_config.json").exists()


def test_what_was_changed_since_it_was_looked_at_stays(archive: Archive) -> None:
    def another() -> None:
        archive.site.rename(archive.folder / "elsewhere")
        archive.make_site()

    assert reviewed_run(archive, another)["refused"][0]["error_code"] == "plan_refused"
    newer = archive.folder / "repository" / "sites" / SITE
    done = reviewed_run(archive, lambda: write_repository_set(newer, f"20261122{SET[8:]}", database=DATABASE))
    assert "not the newest any more" in done["refused"][0]["reason"]
    moved = {"db_name": "_moved"}
    done = reviewed_run(archive, lambda: (archive.site / "site_config.json").write_text(json.dumps(moved)))
    assert "changed since" in done["refused"][0]["reason"]
    assert archive.site.is_dir()


@pytest.mark.promise(11)
def test_killed_removal_is_completed_by_the_next(archive: Archive) -> None:
    def prepare() -> None:
        archive.make_site()

    for number in kills(prepare, archive.run):
        assert archive.run()["refused"] == [], number
        assert list(archive.site.parent.iterdir()) == [], number
        assert (archive.folder / "repository" / "sites" / SITE / SET).is_dir(), number


@pytest.fixture
def with_server(tmp_path: Path, mariadb_server: MariaDBServer) -> Iterator[Archive]:
    with closing(connect(mariadb_server.login)) as connection:
        execute(connection, f"CREATE OR REPLACE DATABASE {DATABASE}")
        execute(connection, f"CREATE TABLE {DATABASE}.a (b int)")
        execute(connection, f"CREATE OR REPLACE USER {DATABASE}@localhost")
        yield Archive(tmp_path, mariadb_server.port, str(mariadb_server.login.login_password))
        execute(connection, f"DROP DATABASE IF EXISTS {DATABASE}")
        execute(connection, f"DROP USER IF EXISTS {DATABASE}@localhost")


def is_there(server: MariaDBServer) -> tuple[int, int]:
    with closing(connect(server.login)) as connection:
        ((databases,),) = fetch_all(
            connection, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (DATABASE,)
        )
        ((users,),) = fetch_all(connection, "SELECT COUNT(*) FROM mysql.user WHERE User = %s", (DATABASE,))
        return databases, users


def test_database_stays_unless_it_is_asked_for(with_server: Archive, mariadb_server: MariaDBServer) -> None:
    (task,) = json.loads(with_server.run(check_mode=True)["plan"])["tasks"]
    assert "is still there, and stays" in task["reason"]
    assert with_server.run()["tasks"][0]["count"] == 1
    assert is_there(mariadb_server) == (1, 1)


def test_database_goes_with_its_account(with_server: Archive, mariadb_server: MariaDBServer) -> None:
    assert "goes as well" in str(with_server.run(check_mode=True, drop_database=True)["plan"])
    assert with_server.run(drop_database=True)["tasks"][0]["count"] == 1
    assert is_there(mariadb_server) == (0, 0)
    with_server.make_site()
    (task,) = json.loads(with_server.run(check_mode=True, drop_database=True)["plan"])["tasks"]
    assert "is not there any more" in task["reason"]


def test_database_that_something_else_may_need_stays(with_server: Archive, mariadb_server: MariaDBServer) -> None:
    def refusal() -> str:
        done = with_server.run(drop_database=True)
        assert not done["changed"]
        assert with_server.site.is_dir()
        assert is_there(mariadb_server) == (1, 1)
        assert [found["error_code"] for found in done["refused"]] == ["archive_unproven"]
        return str(done["refused"][0]["reason"])

    live = with_server.bench.site("a.example").config_path
    before = live.read_text()
    live.write_text(json.dumps({"db_name": "_a", "db_user": DATABASE}))
    assert "live site a.example" in refusal()
    live.write_text(before)
    with closing(connect(mariadb_server.login, DATABASE)) as connection:
        assert "somebody is connected" in refusal()
        execute(connection, "SET GLOBAL read_only = 1")
        try:
            assert "takes no writes" in refusal()
        finally:
            execute(connection, "SET GLOBAL read_only = 0")


def test_wrong_credentials_and_a_system_database_are_refused(
    with_server: Archive, mariadb_server: MariaDBServer
) -> None:
    config = with_server.site / "site_config.json"
    modified = config.stat().st_mtime
    config.write_text(json.dumps({"db_name": "mysql"}))
    os.utime(config, (modified, modified))
    with_server.make_set(database="mysql")
    assert "none of a site" in with_server.refusal(drop_database=True)[1]
    with_server.make_site()
    with_server.make_set()
    common = json.loads(with_server.bench.common_config_path.read_text())
    with_server.bench.common_config_path.write_text(json.dumps({**common, "root_password": "wrong"}))
    assert with_server.refusal(drop_database=True)[0] == "mariadb_access_denied"
    assert is_there(mariadb_server) == (1, 1)
    assert with_server.run()["tasks"][0]["count"] == 1, "whether its database is there matters only to who drops it"
