"""A site whose database is on another host: backed up over the network, and recovered to a second."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest
from testinfra.host import Host

APPLICATION = "ssh://lifeboat-application"
SERVER = "ssh://lifeboat-server"
BENCH_HOSTS = testinfra_hosts = [APPLICATION]

SITE = "alpha.localhost"
OTHER_SITE = "beta.localhost"
STATE = "/var/lib/lifeboat"
REPOSITORY = "/var/backups/lifeboat"
WRITTEN_AFTER_THE_SECOND = "tabToDo"


@pytest.fixture(scope="module")
def disaster(host: Host) -> dict[str, Any]:
    """The bench after what users wrote behind the second, and after the disaster."""
    return json.loads(host.file("/root/disaster.json").content_string)


def rows(host: Host, database: str, table: str) -> set[str]:
    return set(host.check_output(f"mariadb -BN -e 'SELECT name FROM {database}.`{table}`'").split())


def test_every_row_is_as_it_was_at_the_second(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert after["sites"][SITE]["tables"] == before["sites"][SITE]["tables"]


def test_what_was_written_behind_the_second_stays_in_the_replaced_database(
    host: Host, before: dict[str, Any], after: dict[str, Any]
) -> None:
    replaced, recovered = (
        rows(host, snapshot["sites"][SITE]["configuration"]["db_name"], WRITTEN_AFTER_THE_SECOND)
        for snapshot in (before, after)
    )
    assert len(replaced - recovered) == 3
    assert recovered < replaced


@pytest.mark.parametrize("tree", ["public", "private"])
def test_every_file_is_as_it_was_backed_up(before: dict[str, Any], after: dict[str, Any], tree: str) -> None:
    assert after["sites"][SITE][tree] == before["sites"][SITE][tree]


def test_the_other_site_keeps_what_was_written_behind_the_second(
    before: dict[str, Any], disaster: dict[str, Any], after: dict[str, Any]
) -> None:
    assert after["sites"][OTHER_SITE] == disaster["sites"][OTHER_SITE]
    assert disaster["sites"][OTHER_SITE]["tables"] != before["sites"][OTHER_SITE]["tables"]


def test_the_other_site_served_every_request(traffic: dict[str, list[dict[str, Any]]]) -> None:
    answers = traffic[APPLICATION]
    assert [answer for answer in answers if answer["status"] != 200] == []
    assert len(answers) > 10


@pytest.mark.parametrize("site", [SITE, OTHER_SITE])
def test_sites_are_served(host: Host, site: str) -> None:
    command = f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Host: {site}' http://127.0.0.1/login"
    assert host.check_output(command) == "200"


def test_record_says_over_which_logs_the_second_was_reached(record: dict[str, Any]) -> None:
    assert record["outcome"] == "recovered"
    assert record["replay"]["transactions"] == 6
    assert record["replay"]["target"].endswith("+05:30")


def test_drill_recovered_the_same_second(drill: dict[str, Any], record: dict[str, Any]) -> None:
    assert (drill["outcome"], drill["kind"]) == ("passed", "logical+replay")
    assert {key: record["replay"][key] for key in drill["replay"]} == drill["replay"]


def test_only_the_replacement_was_added_to_the_server(before: dict[str, Any], after: dict[str, Any]) -> None:
    promoted = after["sites"][SITE]["configuration"]["db_name"]
    assert set(after["databases"]) - set(before["databases"]) == {promoted}
    added = {account.split("@")[0] for account in set(after["accounts"]) - set(before["accounts"])}
    assert added == {promoted}


def test_logs_were_archived_and_backups_are_for_root_alone(host: Host, readable_by_others: str) -> None:
    # The set before the disaster, and one of the database that the recovered site lives in now.
    assert host.check_output(f"find {REPOSITORY} -name manifest.json").count(f"/{SITE}/") == 2
    assert host.check_output(f"find {REPOSITORY}/binlogs -name 'binlog.*'") != ""
    assert readable_by_others == ""


def test_nothing_is_left_of_backups_and_drills(leftovers: str) -> None:
    assert leftovers == ""


@pytest.mark.parametrize("name", [APPLICATION, SERVER])
def test_no_unit_failed(host_named: Callable[[str], Host], name: str) -> None:
    assert host_named(name).run("systemctl is-system-running").stdout.strip() == "running"


def test_no_service_was_restarted(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert after["services"] == before["services"]


def test_host_of_the_database_was_left_alone(host: Host, host_named: Callable[[str], Host]) -> None:
    server = host_named(SERVER)
    for path in (STATE, REPOSITORY):
        assert not server.file(path).exists
    assert not host.service("mariadb").is_running


def test_passwords_are_in_no_log(host: Host) -> None:
    password = host.check_output("sed -n 's/^password = //p' /root/.my.cnf")
    assert password
    assert host.run(f"journalctl --no-pager | grep -cF '{password}'").stdout.strip() == "0"
    assert host.run(f"grep -rlF '{password}' {STATE} {REPOSITORY}").stdout == ""
