"""A site whose database is on another host and whose folder two hosts share: recovered once, alive on both."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from testinfra.host import Host

FIRST, SECOND = BENCH_HOSTS = ["ssh://lifeboat-first", "ssh://lifeboat-second"]
testinfra_hosts = [FIRST]
DATABASE_HOST = "ssh://lifeboat-database"

SITE = "alpha.localhost"
OTHER_SITE = "beta.localhost"
STATE = "/var/lib/lifeboat"
WRITTEN_MEANWHILE = "tabToDo"


@pytest.mark.parametrize("bench_host", BENCH_HOSTS)
@pytest.mark.parametrize("site", [SITE, OTHER_SITE])
def test_every_host_serves_every_site(host_named: Callable[[str], Host], bench_host: str, site: str) -> None:
    command = f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Host: {site}' http://127.0.0.1/login"
    assert host_named(bench_host).check_output(command) == "200"


def test_every_row_is_as_it_was_backed_up(before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = (dict(snapshot["sites"][SITE]["tables"]) for snapshot in (before, after))
    del old[WRITTEN_MEANWHILE], new[WRITTEN_MEANWHILE]
    assert new == old


@pytest.mark.parametrize("tree", ["public", "private"])
def test_every_file_is_as_it_was_backed_up(before: dict[str, Any], after: dict[str, Any], tree: str) -> None:
    assert after["sites"][SITE][tree] == before["sites"][SITE][tree]


def test_the_other_site_is_untouched(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert after["sites"][OTHER_SITE] == before["sites"][OTHER_SITE]


@pytest.mark.parametrize("bench_host", BENCH_HOSTS)
def test_the_other_site_served_every_request(traffic: dict[str, list[dict[str, Any]]], bench_host: str) -> None:
    reads = [answer for answer in traffic[bench_host] if answer["kind"] == "read"]
    assert [answer for answer in reads if answer["status"] != 200] == []
    assert len(reads) > 10


@pytest.mark.parametrize("bench_host", BENCH_HOSTS)
def test_no_write_went_back_to_the_replaced_database(
    host: Host,
    before: dict[str, Any],
    after: dict[str, Any],
    traffic: dict[str, list[dict[str, Any]]],
    bench_host: str,
) -> None:
    """Once a host has written to the recovered database, every later write of it that was acknowledged is there."""
    acknowledged = [answer["name"] for answer in traffic[bench_host] if answer.get("name")]
    replaced, recovered = (
        set(host.check_output(f"mariadb -BN -e 'SELECT name FROM {database}.`tabToDo`'").split())
        for database in (snapshot["sites"][SITE]["configuration"]["db_name"] for snapshot in (before, after))
    )
    places = ["new" if name in recovered else "old" if name in replaced else "lost" for name in acknowledged]
    assert places == sorted(places, reverse=True), (
        "a write went to the replaced database, or was lost, after the promotion"
    )
    assert set(places) == {"old", "new"}, "users wrote neither before nor after the promotion"


@pytest.mark.parametrize("bench_host", BENCH_HOSTS)
def test_users_write_again(traffic: dict[str, list[dict[str, Any]]], bench_host: str) -> None:
    writes = [answer for answer in traffic[bench_host] if answer["kind"] == "write"]
    assert [answer["status"] for answer in writes[-3:]] == [200, 200, 200]


def test_promotion_happened_once(record: dict[str, Any], host_named: Callable[[str], Host]) -> None:
    assert record["outcome"] == "recovered"
    assert not host_named(SECOND).file(f"{STATE}/{SITE}").exists
    assert not host_named(DATABASE_HOST).file(STATE).exists


def test_health_was_verified_on_each_host(record: dict[str, Any]) -> None:
    logins = [check["outcome"] for check in record["verification"] if check["name"] == "login"]
    assert logins == ["passed"] * len(BENCH_HOSTS)


def test_account_logs_in_from_every_host(before: dict[str, Any], after: dict[str, Any]) -> None:
    replaced, promoted = (snapshot["sites"][SITE]["configuration"]["db_name"] for snapshot in (before, after))
    assert after["accounts"][f"{promoted}@%"] is False
    assert after["accounts"][f"{replaced}@%"] is True


def test_no_service_was_restarted(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert after["services"] == before["services"]
