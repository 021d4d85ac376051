"""What the host is like after the recovery: the site is back, and nothing else was touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

BENCH_HOSTS = testinfra_hosts = ["ssh://lifeboat-one"]

SITE = "alpha.localhost"
OTHER_SITE = "beta.localhost"
SITES = "/home/frappe/frappe-bench/sites"
STATE = "/var/lib/lifeboat"
REPOSITORY = "/var/backups/lifeboat"


@pytest.mark.parametrize("site", [SITE, OTHER_SITE])
@pytest.mark.parametrize(("path", "expected"), [("/login", "200"), ("/api/method/ping", "200")])
def test_sites_are_served_through_nginx(host: Host, site: str, path: str, expected: str) -> None:
    answer = host.check_output(f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Host: {site}' http://127.0.0.1{path}")
    assert answer == expected


def test_every_row_is_as_it_was_backed_up(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert after["sites"][SITE]["tables"] == before["sites"][SITE]["tables"]


@pytest.mark.parametrize("tree", ["public", "private"])
def test_every_file_is_as_it_was_backed_up(before: dict[str, Any], after: dict[str, Any], tree: str) -> None:
    assert after["sites"][SITE][tree] == before["sites"][SITE][tree]
    assert before["sites"][SITE][tree], "the backup had no files to compare"


def test_files_are_the_applications_own(host: Host) -> None:
    foreign = host.check_output(f"find {SITES}/{SITE}/public {SITES}/{SITE}/private ! -user frappe -o ! -group frappe")
    assert foreign == ""


def test_configuration_keeps_its_owner_and_mode(before: dict[str, Any], after: dict[str, Any]) -> None:
    for fact in ("owner", "mode"):
        assert after["sites"][SITE][fact] == before["sites"][SITE][fact]


def test_configuration_names_a_new_database_and_keeps_the_rest(before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = before["sites"][SITE]["configuration"], after["sites"][SITE]["configuration"]
    assert new["db_name"] != old["db_name"]
    assert new["db_password"] != old["db_password"]
    replaced = {"db_name", "db_password", "db_user", "maintenance_mode", "pause_scheduler"}
    assert {key: new.get(key) for key in old if key not in replaced} == {
        key: value for key, value in old.items() if key not in replaced
    }
    assert not new.get("maintenance_mode")
    assert not new.get("pause_scheduler")


def test_the_other_site_is_untouched(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert after["sites"][OTHER_SITE] == before["sites"][OTHER_SITE]


def test_the_other_site_served_every_request(traffic: dict[str, list[dict[str, Any]]]) -> None:
    for answers in traffic.values():
        assert [answer for answer in answers if answer["status"] != 200] == []
        assert len(answers) > 10


def test_no_service_was_restarted(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert after["services"] == before["services"]


def test_jobs_that_had_failed_are_still_there(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert after["failed_jobs"] == before["failed_jobs"]
    assert len(before["failed_jobs"]) == 2


def test_replaced_database_is_kept_and_locked(before: dict[str, Any], after: dict[str, Any]) -> None:
    replaced = before["sites"][SITE]["configuration"]["db_name"]
    promoted = after["sites"][SITE]["configuration"]["db_name"]
    assert {replaced, promoted} <= set(after["databases"])
    locked = {account.split("@")[0] for account, is_locked in after["accounts"].items() if is_locked}
    assert replaced in locked
    assert promoted not in locked


def test_only_the_replacement_was_added_to_the_server(before: dict[str, Any], after: dict[str, Any]) -> None:
    promoted = after["sites"][SITE]["configuration"]["db_name"]
    assert set(after["databases"]) - set(before["databases"]) == {promoted}
    added = set(after["accounts"]) - set(before["accounts"])
    assert {account.split("@")[0] for account in added} == {promoted}


@pytest.mark.parametrize("name", ["journal.jsonl", "record.json", "report.html", "report.md", "report.json"])
def test_run_is_on_record_for_root_alone(host: Host, recovery_path: str, name: str) -> None:
    file = host.file(f"{recovery_path}/{name}")
    assert file.is_file
    assert file.size > 0
    assert (file.user, file.mode) == ("root", 0o600)


def test_state_is_for_root_alone(host: Host) -> None:
    folder = host.file(STATE)
    assert (folder.user, folder.mode) == ("root", 0o700)


def test_record_says_that_the_site_was_recovered_and_verified(record: dict[str, Any]) -> None:
    assert record["outcome"] == "recovered"
    outcomes = {check["name"]: check["outcome"] for check in record["verification"]}
    assert outcomes["login"] == "passed"
    assert outcomes["job"] == "passed"


def test_no_secret_is_in_what_was_written(host: Host, before: dict[str, Any], after: dict[str, Any]) -> None:
    configurations = (before["sites"][SITE]["configuration"], after["sites"][SITE]["configuration"])
    secrets = [configuration[key] for configuration in configurations for key in ("db_password", "encryption_key")]
    for secret in secrets:
        found = host.run(f"grep -rlF --exclude-dir=kept -e '{secret}' {STATE}")
        assert found.stdout == "", f"a secret of the site is in {found.stdout}"


def test_lock_is_released_and_nothing_runs_on(host: Host) -> None:
    assert not host.file(f"{STATE}/{SITE}/lock").exists
    commands = [process.args for process in host.process.filter()]
    assert not [command for command in commands if "AnsiballZ" in command or "ansible/tmp" in command]


def test_prerequisites_brought_the_driver(host: Host) -> None:
    assert host.run("/usr/bin/python3 -c 'import pymysql'").rc == 0


def test_other_site_was_backed_up_both_ways_and_drilled(host: Host, drill: dict[str, Any]) -> None:
    (path,) = host.check_output(f"ls {REPOSITORY}/sites/{OTHER_SITE}/*/manifest.json").split()
    manifest = json.loads(host.file(path).content_string)
    assert sorted(manifest["kinds"]) == ["logical", "physical"]
    assert manifest["proven_at"]
    assert (drill["outcome"], drill["kind"]) == ("passed", "physical")
    assert drill["set"]["name"] == path.split("/")[-2]


def test_backups_are_for_root_alone_and_nothing_unfinished_is_left(readable_by_others: str, leftovers: str) -> None:
    assert readable_by_others == ""
    assert leftovers == ""
