"""nginx as its files and processes show it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fake_host import UP_SECONDS, FakeHost

CONFIGURATION = "/etc/nginx/nginx.conf"
# FakeHost's processes started 1,000 seconds after the boot.
WORKERS_AGE_SECONDS = UP_SECONDS - 1000


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    """A host whose nginx runs with its present configuration."""
    host = FakeHost(tmp_path)
    host.write(CONFIGURATION, "access_log /var/log/nginx/a.log;", age_seconds=UP_SECONDS)
    host.process(10, "nginx: master process /usr/sbin/nginx -g daemon on;")
    worker = host.process(11, "nginx: worker process")
    (worker / "stat").write_text((worker / "stat").read_text().replace("S 1 ", "S 10 "))
    return host


def log(host: FakeHost, *statuses: int) -> None:
    lines = [f'10.0.0.1 - - [18/May/2033:03:33:20 +0000] "GET / HTTP/1.1" {status} 5 "-" "-"\n' for status in statuses]
    host.write("/var/log/nginx/a.log", "".join(lines))


def test_a_change_waits_for_a_reload(host: FakeHost) -> None:
    assert host.findings("W04")[""].text == "nginx runs with its present configuration"
    host.write("/etc/nginx/conf.d/frappe-bench.conf", "", age_seconds=WORKERS_AGE_SECONDS - 3600)
    found = host.findings("W04")[""]
    assert (found.severity, found.value) == ("warning", WORKERS_AGE_SECONDS - 3600)
    assert found.text.startswith("frappe-bench.conf was changed")


def test_nginx_that_does_not_run_is_critical_where_it_is_configured(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    assert [host.findings(check)[""].severity for check in ("W04", "W05")] == ["skipped", "skipped"]
    host.write(CONFIGURATION, "")
    assert host.findings("W04")[""].severity == "critical"


def test_failed_requests_are_counted_where_there_are_enough(host: FakeHost) -> None:
    assert host.findings("W05")[""].severity == "skipped"
    log(host, *[200] * 49)
    assert host.findings("W05")[""].severity == "skipped"
    log(host, *[200] * 100)
    assert host.findings("W05")["/var/log/nginx/a.log"].severity == "ok"
    log(host, *[200] * 90, *[500] * 4, *[502] * 6)
    found = host.findings("W05")["/var/log/nginx/a.log"]
    assert (found.severity, found.value, list(found.evidence)) == ("critical", 10, ["6 answers 502 or 504"])


def test_a_log_that_is_off_is_not_read(host: FakeHost) -> None:
    host.write(CONFIGURATION, "access_log off;")
    log(host, *[500] * 100)
    assert host.findings("W05")[""].severity == "skipped"
