"""What a run is asked for."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.options import (
    SETTING_READERS,
    HealthOptions,
    read_options,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.runner import RunOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

ACCEPTED = {"id": "A02", "reason": "why", "owner": "who", "expires": "2027-01-31"}


def test_nothing_said_means_the_defaults() -> None:
    options = read_options({"bench_path": None, "login_user": None, "accepted": None})
    assert options == HealthOptions(options.checks)
    assert options.login.config_file == "~/.my.cnf", "the program finds root's account as the module does"
    assert len(options.checks) > 1


def test_what_is_said_is_read() -> None:
    options = read_options(
        {
            "login_user": "admin",
            "login_password": "x",
            "login_port": "3307",
            "search_paths": ["/srv/*"],
            "state_path": "/state",
            "checks": ["A01"],
            "sample_seconds": "2",
            "deadline_seconds": 1,
            "thresholds": {"A01": {"warning": "3"}},
            "expected_listeners": ["25", 443],
            "tls_port": "8443",
            "keep_history": True,
            "textfile_path": "/metrics/l.prom",
        }
    )
    assert [check.id for check in options.checks] == ["A01"]
    assert options.login == LoginOptions("admin", "x", login_port=3307, config_file="~/.my.cnf")
    assert options.search_paths == ("/srv/*",)
    assert options.run == RunOptions({"A01": {"warning": "3"}}, 2.0, 1.0)
    assert options.settings == Settings(expected_listeners=(25, 443), tls_port=8443)
    assert (options.state_path, options.textfile_path) == (Path("/state"), Path("/metrics/l.prom"))
    assert options.keep_history


def test_every_setting_can_be_read() -> None:
    assert {str(each.type) for each in fields(Settings)} <= set(SETTING_READERS)


def test_an_acceptance_is_watched_whatever_else_is_checked() -> None:
    accepted = [{**ACCEPTED, "id": "H01"}]
    options = read_options({"subjects": ["redis"], "accepted": accepted})
    assert options.checks[-1].id == "A01"
    assert [check.id for check in read_options({"checks": ["A01"], "accepted": accepted}).checks] == ["A01"]
    assert options.acceptances[0].owner == "who"


@pytest.mark.parametrize(
    ("parameters", "error_code"),
    [
        ({"checks": ["Z99"]}, "check_unknown"),
        ({"thresholds": {"A01": {"warning": "x"}}}, "threshold_invalid"),
        ({"accepted": [{**ACCEPTED, "id": "A01"}]}, "acceptance_invalid"),
    ],
)
def test_what_cannot_be_meant_is_refused(parameters: dict, error_code: str) -> None:
    with pytest.raises(LifeboatError) as error:
        read_options(parameters)
    assert error.value.error_code == error_code
