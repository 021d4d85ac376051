"""Options and errors of ``site_drill``; drills are tested with real servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import site_drill

from tests.lab.processes import free_port
from tests.modules import run_module


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """Options for a bench with one site, whose server does not answer."""
    (tmp_path / "bench/sites/a.b").mkdir(parents=True)
    (tmp_path / "bench/sites/common_site_config.json").write_text("{}")
    return {
        "site": "a.b",
        "bench_path": str(tmp_path / "bench"),
        "state_path": str(tmp_path / "state"),
        "repository_path": str(tmp_path / "repository"),
        "login_host": "127.0.0.1",
        "login_port": free_port(),
    }


def test_a_server_that_does_not_answer_is_said(options: dict[str, Any], tmp_path: Path) -> None:
    """Before anything is made: without knowing the live server, nothing is known to be apart from it."""
    assert run_module(site_drill, **options)["error_code"] == "mariadb_unreachable"
    assert not (tmp_path / "state").exists()


def test_a_site_is_required(options: dict[str, Any]) -> None:
    """There is no default."""
    del options["site"]
    assert "missing required arguments: site" in run_module(site_drill, **options)["msg"]


def test_a_name_that_leads_elsewhere_is_refused(options: dict[str, Any]) -> None:
    """Whoever gives it."""
    assert run_module(site_drill, **{**options, "site": "../../etc"})["error_code"] in (
        "path_unsafe",
        "bench_not_found",
    )


def test_only_known_points_are_taken(options: dict[str, Any]) -> None:
    """A moment is asked for with recover_to."""
    assert "value of drill_point must be one of" in run_module(site_drill, drill_point="oldest", **options)["msg"]


def test_the_options_become_the_request(options: dict[str, Any]) -> None:
    """With paths as paths."""
    given = {**dict.fromkeys(site_drill.LOGIN_ARGUMENTS), "connect_timeout": 1}
    asked = {
        "offsite_repository": None,
        "drill_point": "random",
        "recover_to": None,
        "older_every": 3,
        "paths": ["/b"],
        "encryption_key": "k",
        "rto_budget_seconds": 60.0,
        "slowdown_limit": 2.0,
        "freshness_seconds": 5.0,
        "scratch_path": "/scratch",
        "reserve_bytes": 7,
    }
    request = site_drill.request_of({**given, **options, **asked})
    assert (request.point, request.recover_to, request.older_every) == ("random", "", 3)
    assert (request.set_folders, request.scratch_base, request.reserve_bytes) == ((Path("/b"),), Path("/scratch"), 7)
    assert "'k'" not in repr(request)
