"""What is told of a bench, and what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.description import describe_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service

SECRET = "RWcQ0nd3m2um3Cc9"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with a good site, one whose configuration is broken, and one without a database."""
    path = tmp_path / "frappe-bench"
    for site, text in {
        "good.example": json.dumps(
            {
                "db_name": "_a",
                "db_user": "_u",
                "db_password": SECRET,
                "encryption_key": SECRET,
                "maintenance_mode": 1,
                "pause_scheduler": 0,
            }
        ),
        "broken.example": f'{{"db_password": "{SECRET}"',
        "empty.example": "{}",
    }.items():
        (path / "sites" / site).mkdir(parents=True)
        (path / "sites" / site / "site_config.json").write_text(text)
    (path / "sites" / "common_site_config.json").write_text(
        json.dumps(
            {
                "db_host": "db1",
                "db_port": 3307,
                "pause_scheduler": 1,
                "redis_cache": f"redis://:{SECRET}@127.0.0.1:13000",
                "redis_queue": "redis://127.0.0.1:11000",
                "use_rq_auth": 1,
                "rq_password": SECRET,
                "root_password": SECRET,
                "webserver_port": 8001,
            }
        )
    )
    (path / "sites" / "apps.txt").write_text("frappe")
    return Bench(path)


def test_bench_is_described_without_secrets(bench: Bench) -> None:
    services = [Service("web", "supervisor", "web", "stopped", None)]
    described = describe_bench(bench, services)
    assert SECRET not in repr(described)
    assert json.loads(json.dumps(described)) == described
    assert described["path"] == str(bench.path)
    assert described["apps"] == {"frappe": "unknown"}
    assert described["bench_id"] == str(bench.path).strip("/").replace("/", "-")
    assert described["redis"] == {"cache": "redis://127.0.0.1:13000", "queue": "redis://127.0.0.1:11000"}
    assert described["webserver_port"] == 8001
    assert described["services"] == [
        {"name": "web", "manager": "supervisor", "kind": "web", "state": "stopped", "pid": None, "queues": []}
    ]
    assert described["configuration_valid"] is True
    assert (described["maintenance_mode"], described["scheduler_paused"]) == (False, True)
    assert [site["name"] for site in described["sites"]] == ["broken.example", "empty.example", "good.example"]


def test_good_site_tells_where_its_database_is(bench: Bench) -> None:
    (site,) = describe_bench(bench, [], "good.example")["sites"]
    assert site == {
        "name": "good.example",
        "path": str(bench.sites_path / "good.example"),
        "backups_path": str(bench.sites_path / "good.example" / "private" / "backups"),
        "db_name": "_a",
        "db_user": "_u",
        "db_host": "db1",
        "db_port": 3307,
        "db_socket": None,
        "maintenance_mode": True,
        "scheduler_paused": False,
        "configuration_valid": True,
        "problem": "",
    }


@pytest.mark.parametrize(("name", "problem"), [("broken.example", "not valid JSON"), ("empty.example", "names none")])
def test_site_with_a_broken_configuration_is_listed_as_such(bench: Bench, name: str, problem: str) -> None:
    (site,) = describe_bench(bench, [], name)["sites"]
    assert site["configuration_valid"] is False
    assert problem in site["problem"]
    assert site["db_name"] is None


def test_bench_with_a_broken_configuration_is_listed_as_such(bench: Bench) -> None:
    bench.common_config_path.write_text("{")
    described = describe_bench(bench, [])
    assert described["configuration_valid"] is False
    assert "not valid JSON" in described["problem"]
    assert described["webserver_port"] == 8000
    assert described["sites"][2]["db_host"] == "127.0.0.1"


def test_environment_that_overrides_the_configuration_is_told_by_name(bench: Bench, tmp_path: Path) -> None:
    process = tmp_path / "proc" / "7"
    process.mkdir(parents=True)
    (process / "environ").write_bytes(f"A=1\0FRAPPE_DB_NAME={SECRET}\0FRAPPE_DB_TYPE=mariadb\0".encode())
    described = describe_bench(bench, [Service("web", "process", "web", "running", 7)], root=tmp_path)
    assert described["database_overrides"] == ["FRAPPE_DB_NAME"]
    assert SECRET not in repr(described)


def test_owner_is_told_by_number_where_it_has_no_name(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_identifier: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert describe_bench(bench, [])["owner"] == str(bench.owner[0])
