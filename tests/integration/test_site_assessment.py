"""``site_assessment`` on real servers: tables whose files are damaged, rows that are missing against a real dump."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.assessment_corruption import assess_corruption
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter
from ansible_collections.lifeboat.frappe.plugins.modules import site_assessment

from tests.lab import Lab, MariaDBServer
from tests.modules import run_module

PAGE_BYTES = 16384
DATABASE = "_1c8e72aa0b3d4f65"
SITE = "alpha.localhost"
RECOVERY = "20261121T031522Z-9f3a"


def scribble(path: Path, page: int) -> None:
    with path.open("r+b") as stream:
        stream.seek(page * PAGE_BYTES + 100)
        stream.write(b"\xde\xad" * 4000)


def cut(path: Path, size_bytes: int) -> None:
    with path.open("r+b") as stream:
        stream.truncate(size_bytes)


@pytest.fixture(scope="module")
def damaged_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    """A server whose disk spoilt some tables while it was stopped."""
    server = MariaDBServer(tmp_path_factory.mktemp("damaged"))
    with server:
        connection = connect(server.login)
        execute(connection, f"CREATE DATABASE {DATABASE}")
        connection.select_db(DATABASE)
        tables = {"sound": "InnoDB", "page": "InnoDB", "root": "InnoDB", "gone": "InnoDB", "closed": "MyISAM"}
        for name, engine in {**tables, "index": "MyISAM", "data": "MyISAM"}.items():
            table = f"{DATABASE}.tab{name}"
            execute(
                connection,
                f"CREATE TABLE {table} (name int PRIMARY KEY, text varchar(600), KEY (text(4))) ENGINE={engine}",
            )
            execute(connection, f"INSERT INTO {table} SELECT seq, REPEAT('x', 500) FROM seq_1_to_2000")
        connection.close()
        server.stop()
        folder = server.data_path / DATABASE
        scribble(folder / "tabpage.ibd", 10)
        scribble(folder / "tabroot.ibd", 3)
        (folder / "tabgone.ibd").unlink()
        cut(folder / "tabdata.MYD", 1000)
        cut(folder / "tabindex.MYI", 500)
        server.start()
        yield server


def test_finds_every_damaged_table_and_the_server_survives(damaged_server: MariaDBServer) -> None:
    connection = connect(damaged_server.login)
    found = assess_corruption(connection, DATABASE, None, ProgressReporter(), 10.0)
    assert {finding["table"] for finding in found["damaged"]} == {
        "tabdata",
        "tabgone",
        "tabindex",
        "tabpage",
        "tabroot",
    }
    assert found["outcomes"] == {"damaged": 5, "ok": 2}
    assert {"tabpage", "tabroot"} <= set(found["error_log"]["tables"])
    assert "5 of 7 tables" in found["summary"][0]
    connection.ping(reconnect=False)
    connection.close()


def test_a_server_that_dies_meanwhile_is_reported(damaged_server: MariaDBServer) -> None:
    class Killer(ProgressReporter):
        """Kills the server when the second table is looked at."""

        def update(self, *_arguments: Any, done_items: int = 0, **_others: Any) -> None:
            if done_items == 1:
                damaged_server.kill()

    connection = connect(damaged_server.login)
    found = assess_corruption(connection, DATABASE, damaged_server.error_log_path, Killer(), 10.0)
    damaged_server.start()
    assert [finding["text"] for finding in found["damaged"]][-1].startswith("The connection to the server was lost")
    assert found["outcomes"]["not_checked"] == 5


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab"), services=False, sites=(SITE,)) as lab:
        yield lab


@pytest.fixture(scope="module")
def plan(lab: Lab) -> dict[str, Any]:
    """The plan of a recovery to an encrypted set, in its journal."""
    backup = lab.backup(SITE, encrypted=True)
    point = datetime.now(timezone.utc) - timedelta(seconds=1)
    artifacts = [
        {"kind": "database", "path": str(backup.database)},
        {"kind": "site_config", "path": str(backup.site_config)},
    ]
    plan = {
        "site": SITE,
        "replaces": {"db_name": lab.site_config(SITE)["db_name"]},
        "recovery_point": point.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "set": {"artifacts": artifacts},
    }
    Journal.open(lab.state_path, SITE, RECOVERY).append("recovery", "begin", plan=plan)
    return plan


def assess(lab: Lab, scope: str, **options: Any) -> dict[str, Any]:
    login = {name: value for name, value in asdict(lab.login).items() if value is not None}
    result = run_module(
        site_assessment,
        site=SITE,
        bench_path=str(lab.bench_path),
        state_path=str(lab.state_path),
        recovery=RECOVERY,
        scope=scope,
        **login,
        **options,
    )
    assert not result["failed"], result
    assert result["changed"] is False
    assessment: dict[str, Any] = result["assessment"]
    return assessment


def test_corruption_of_a_sound_site(lab: Lab, plan: dict[str, Any]) -> None:
    found = assess(lab, "corruption")
    assert found["database"] == plan["replaces"]["db_name"]
    assert found["outcomes"] == {"ok": found["tables"]}


def test_loss_against_an_encrypted_set(lab: Lab, plan: dict[str, Any]) -> None:
    assert [row for row in assess(lab, "loss")["lost"] if not row["volatile"]] == []
    connection = lab.connect(SITE)
    execute(connection, "DELETE FROM tabNote LIMIT 7")
    execute(connection, "DROP TABLE `tabSales Invoice Item`")
    execute(
        connection,
        "INSERT INTO `tabVersion` (name, creation, modified, owner, ref_doctype, docname)"
        " VALUES ('later', %s, %s, 'jo@example.com', 'Note', 'n')",
        (datetime.now(timezone.utc) + timedelta(days=1),) * 2,
    )
    connection.commit()
    connection.close()
    progress = lab.folder / "progress"
    found = assess(lab, "loss", progress_path=str(progress))
    lost = {
        row["doctype"]: (row["missing_rows"], row["rows_live"] is None) for row in found["lost"] if not row["volatile"]
    }
    assert lost.pop("Note") == (7, False)
    assert set(lost) == {"Sales Invoice Item"}
    assert {"ref_doctype": "Note", "owner": "jo@example.com", "count": 1} in found["traces"]["changed"]["groups"]
    assert found["time_zone"] is not None
    assert "assess loss" in progress.read_text()
    assert plan["recovery_point"] == found["recovery_point"]
