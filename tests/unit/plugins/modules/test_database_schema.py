"""``database_schema`` on a bench made of files, whose database does not answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import database_schema

from tests.cleanup_folder import make_bench
from tests.fake_site import unserved_port
from tests.modules import run_module

INDEXES = [{"table": "tabToDo", "index": "plain"}]


@pytest.fixture
def bench_path(tmp_path: Path) -> Path:
    return make_bench(tmp_path).path


def run(bench_path: Path, **options: Any) -> dict[str, Any]:
    return run_module(
        database_schema, bench_path=str(bench_path), state_path=str(bench_path.parent / "state"), **options
    )


def configure(bench_path: Path, port: int) -> None:
    path = bench_path / "sites" / "a.example" / "site_config.json"
    path.write_text(json.dumps({"db_name": "_a", "db_password": "secret", "db_port": port}))


def test_site_that_cannot_be_looked_at_is_told(bench_path: Path) -> None:
    with unserved_port() as port:
        configure(bench_path, port)
        result = run(bench_path)
    assert (result["failed"], result["changed"], result["sites"]) == (False, False, [])
    assert [(each["site"], each["error_code"]) for each in result["refused"]] == [("a.example", "mariadb_unreachable")]
    assert result["lines"] == [f"a.example: {result['refused'][0]['reason']}"]


def test_state_that_is_not_reached_is_a_failure(bench_path: Path) -> None:
    with unserved_port() as port:
        configure(bench_path, port)
        result = run(bench_path, state="ignored", indexes=INDEXES)
    assert (result["failed"], result["error_code"], result["sites"]) == (True, "mariadb_unreachable", [])


def test_site_that_a_recovery_holds_is_left_alone(bench_path: Path) -> None:
    with unserved_port() as port:
        configure(bench_path, port)
        lock = bench_path.parent / "state" / "a.example" / "lock"
        lock.parent.mkdir(parents=True)
        held = {"recovery": "r", "host": "elsewhere", "user": "root", "pid": 1, "process": ""}
        lock.write_text(json.dumps({**held, "since": 0, "renewed_at": 4e9, "lease_seconds": 60}))
        assert run(bench_path)["refused"][0]["error_code"] == "site_locked"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"state": "dropped"}, "indexes"),
        ({"state": "ignored"}, "indexes, candidates"),
        ({"indexes": [{"table": "tabToDo"}]}, "index"),
        ({"state": "deleted"}, "advised"),
    ],
    ids=["dropped", "ignored", "no name", "unknown state"],
)
def test_what_is_missing_is_asked_for(bench_path: Path, options: dict[str, Any], reason: str) -> None:
    result = run(bench_path, **options)
    assert result["failed"]
    assert reason in result["msg"]


def test_option_of_a_limit_is_one_of_the_module(bench_path: Path) -> None:
    assert set(database_schema.LIMITS) == {"watch_days", "grace_days", "regression_factor", "baseline_hours"}
    assert run(bench_path, sites=["nowhere.example"])["error_code"] == "bench_not_found"
