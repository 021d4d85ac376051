"""``site_config`` on a bench made of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import bench_at
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.configuration_run import (
    MODULE_NAME,
    ConfigurationRequest,
    changed_by_others,
    run_restored,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lock import Holder, SiteLock, this_holder
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import read_records
from ansible_collections.lifeboat.frappe.plugins.modules import site_config

from tests.modules import run_module

ORIGINAL = '{\n "mute_emails": false,\n "db_name": "_a",\n "db_password": "hidden",\n "monitor": 0\n}'


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    site = tmp_path / "frappe-bench" / "sites" / "a.example"
    site.mkdir(parents=True)
    (site / "site_config.json").write_text(ORIGINAL)
    (site.parent / "common_site_config.json").write_text('{"webserver_port": 8000}')
    return site.parents[1]


def run(bench: Path, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    return run_module(
        site_config,
        check_mode=check_mode,
        bench_path=str(bench),
        state_path=str(bench.parent / "state"),
        **{"site": "a.example", **options},
    )


def text(bench: Path) -> str:
    return (bench / "sites" / "a.example" / "site_config.json").read_text()


def test_values_are_set_once_and_restored_exactly(bench: Path) -> None:
    debug = {"values": {"monitor": "1", "logging": 2}, "absent": ["mute_emails"], "remember_as": "debug"}
    changed = run(bench, **debug)
    assert changed["changed"]
    assert changed["keys"] == ["logging", "monitor", "mute_emails"]
    assert changed["diff"] == {"before": {"monitor": 0, "mute_emails": False}, "after": {"logging": 2, "monitor": 1}}
    assert json.loads(text(bench)) == {"db_name": "_a", "db_password": "hidden", "monitor": 1, "logging": 2}
    assert not run(bench, **debug)["changed"]
    assert run(bench, values={"monitor": 0}, remember_as="debug")["changed"], "the first value stays remembered"
    assert run(bench, state="restored", remember_as="debug")["changed"]
    assert text(bench) == ORIGINAL, "to the byte, also the place of a key that was taken away"
    assert not run(bench, state="restored", remember_as="debug")["changed"]
    assert [record["action"] for record in read_records(bench.parent / "state")] == ["present", "present", "restored"]


def test_order_and_mode_of_the_file_stay(bench: Path) -> None:
    path = bench / "sites" / "a.example" / "site_config.json"
    path.chmod(0o604)
    run(bench, values={"monitor": 1})
    assert path.read_text() == ORIGINAL.replace('"monitor": 0', '"monitor": 1')
    assert path.stat().st_mode & 0o777 == 0o604


def test_check_mode_writes_nothing(bench: Path) -> None:
    planned = run(bench, check_mode=True, values={"monitor": 1}, remember_as="debug")
    assert planned["changed"]
    assert planned["diff"]["after"] == {"monitor": 1}
    assert text(bench) == ORIGINAL
    assert not (bench.parent / "state").exists()


def test_configuration_of_the_bench_is_meant_without_a_site(bench: Path) -> None:
    changed = run(bench, site=None, values={"webserver_port": "8001"}, remember_as="port")
    assert changed["path"] == str(bench / "sites" / "common_site_config.json")
    assert json.loads(Path(changed["path"]).read_text()) == {"webserver_port": 8001}
    assert run(bench, site=None, state="restored", remember_as="port")["changed"]
    assert json.loads(Path(changed["path"]).read_text()) == {"webserver_port": 8000}


def test_secrets_are_taken_and_not_shown(bench: Path) -> None:
    changed = run(bench, secret_values={"mail_password": "hunter2"})
    assert changed["diff"]["after"] == {"mail_password": "********"}
    assert json.loads(text(bench))["mail_password"] == "hunter2"


def test_secret_with_a_harmless_name_is_never_shown_either(bench: Path) -> None:
    path = bench / "sites" / "a.example" / "site_config.json"
    path.write_text('{"mail_auth": "older secret"}')
    changed = run(bench, secret_values={"mail_auth": "hunter2"}, remember_as="debug")
    restored = run(bench, state="restored", remember_as="debug")
    assert changed["keys"] == restored["keys"] == ["mail_auth"]
    assert "older secret" not in json.dumps([changed, restored])
    assert json.loads(text(bench)) == {"mail_auth": "older secret"}


def test_key_that_somebody_changed_is_known_and_can_be_left(bench: Path) -> None:
    request = ConfigurationRequest(bench_at(bench), "a.example", bench.parent / "state", "debug")
    run(bench, values={"monitor": 1, "logging": 2}, absent=["mute_emails"], remember_as="debug")
    run(bench, values={"monitor": 1, "logging": 1}, remember_as="debug")
    assert changed_by_others(request) == []
    path = bench / "sites" / "a.example" / "site_config.json"
    path.write_text(path.read_text().replace('"monitor": 1', '"monitor": 5'))
    assert changed_by_others(request) == ["monitor"]
    assert run_restored(request, ["monitor"])["keys"] == ["logging", "mute_emails"]
    assert json.loads(text(bench)) == {**json.loads(ORIGINAL), "monitor": 5}


@pytest.mark.parametrize(
    "values", [{"db_name": "_b"}, {"monitor": "perhaps"}, {"mail_password": "hunter2"}], ids=lambda values: str(*values)
)
def test_what_misguides_frappe_is_refused(bench: Path, values: dict[str, Any]) -> None:
    refused = run(bench, values=values, remember_as="debug")
    assert refused["error_code"] == "configuration_refused"
    assert "hunter2" not in refused["msg"]
    assert text(bench) == ORIGINAL


def test_invalid_json_is_left_as_it_is(bench: Path) -> None:
    path = bench / "sites" / "a.example" / "site_config.json"
    path.write_text('{"db_name": ')
    assert run(bench, values={"monitor": 1})["error_code"] == "configuration_invalid"
    assert path.read_text() == '{"db_name": '


def test_recovery_of_the_site_is_not_disturbed(bench: Path) -> None:
    SiteLock(bench.parent / "state", "a.example").acquire("20261121-1", this_holder())
    assert run(bench, values={"monitor": 1})["error_code"] == "site_locked"
    assert text(bench) == ORIGINAL


def test_lock_of_a_dead_run_is_taken_over(bench: Path) -> None:
    dead = Holder(this_holder().host, "somebody", 2**22 + 1)
    SiteLock(bench.parent / "state", "a.example").acquire(MODULE_NAME, dead)
    assert run(bench, values={"monitor": 1})["changed"]


def test_name_that_leads_elsewhere_is_refused(bench: Path) -> None:
    assert run(bench, values={"monitor": 1}, remember_as="../../x")["error_code"] == "path_unsafe"
