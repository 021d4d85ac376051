"""Judging a live site by its answers, without a site."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench, Site
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.web import WebAnswer
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.probe import ProbeResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.verification import (
    Expectation,
    VerificationOptions,
    is_healthy,
    judge,
    require_healthy,
    verify_site,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

WEB = (Service("web", "process", "web", "running", 7),)
REFUSED = '{"exception": "frappe.exceptions.PermissionError", "exc_type": "PermissionError"}'
SECRET = "s3cr3t"


class Application:
    """Answers requests with what was prepared for a path, the last answer again and again; keeps what it was asked."""

    def __init__(self, **answers: list[int]) -> None:
        self.answers = answers
        self.requests: list[dict[str, Any]] = []
        self.now = 0.0

    def ask(self, **request: Any) -> WebAnswer:
        self.requests.append(request)
        name = {"/login": "login", "/api/method/ping": "ping"}.get(request["path"], "read")
        statuses = self.answers.get(name, [200])
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        return WebAnswer(status, 0.01, REFUSED if status == 403 else "Connection refused" if not status else "")

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site on port 8001."""
    bench = Bench(tmp_path / "bench")
    (bench.sites_path / "a.example").mkdir(parents=True)
    bench.common_config_path.write_text(json.dumps({"webserver_port": 8001, "redis_queue": "redis://q:1"}))
    (bench.sites_path / "a.example" / "site_config.json").write_text(json.dumps({"db_name": "_a"}))
    return bench.site("a.example")


def passing_probe(*_arguments: Any) -> ProbeResult:
    return ProbeResult("passed", 0.2, "a worker ran it")


def outcomes(
    site: Site, application: Application, services: Sequence[Service] = WEB, probe: Any = passing_probe, **options: Any
) -> list[dict[str, Any]]:
    return verify_site(
        site, services, VerificationOptions(**options), application.ask, probe, application.clock, application.sleep
    )


@pytest.mark.parametrize("content", [None, "{not json"], ids=["missing", "invalid"])
def test_site_is_asked_where_the_configuration_of_the_bench_is_broken_as_frappe_serves_without_it(
    site: Site, content: str | None
) -> None:
    site.bench.common_config_path.unlink()
    if content is not None:
        site.bench.common_config_path.write_text(content)
    application = Application()
    assert [check["outcome"] for check in outcomes(site, application)] == ["passed"] * 4
    assert application.requests[0]["url"] == "http://127.0.0.1:8000"


def test_site_that_serves_passes(site: Site) -> None:
    application = Application(read=[403])
    checks = outcomes(site, application)
    assert [(check["name"], check["outcome"], check["reason"]) for check in checks] == [
        ("ping", "passed", ""),
        ("login", "passed", ""),
        ("read", "passed", ""),
        ("job", "passed", "a worker ran it"),
    ]
    assert [request["path"] for request in application.requests] == [
        "/api/method/ping",
        "/login",
        "/api/method/frappe.client.get_count?doctype=User",
    ]
    assert {request["url"] for request in application.requests} == {"http://127.0.0.1:8001"}
    assert {request["host"] for request in application.requests} == {"a.example"}
    assert not any(request["headers"] for request in application.requests)
    assert is_healthy(checks)


def test_answer_is_awaited_while_the_web_server_reloads(site: Site) -> None:
    application = Application(ping=[0, 503, 200], login=[500, 200])
    checks = outcomes(site, application, timeout_seconds=5)
    assert [check["outcome"] for check in checks] == ["passed"] * 4
    assert [check["seconds"] for check in checks[:2]] == [0.5, 0.25]


def test_time_is_shared_by_the_requests(site: Site) -> None:
    application = Application(ping=[0], login=[500])
    checks = outcomes(site, application, timeout_seconds=1)
    assert [(check["outcome"], check["seconds"]) for check in checks[:3]] == [
        ("failed", 1.0),
        ("failed", 0.0),
        ("passed", 0.0),
    ]
    assert checks[0]["reason"] == "no answer: Connection refused"
    assert checks[1]["reason"] == "answered 500"


def test_host_without_the_web_server_says_nothing(site: Site) -> None:
    stopped = [Service("web", "supervisor", "web", "stopped", None), Service("w", "process", "worker", "running", 8)]
    application = Application()
    checks = outcomes(site, application, stopped)
    assert [check["outcome"] for check in checks] == ["skipped", "skipped", "skipped", "passed"]
    assert checks[0]["reason"] == "no web process of the bench runs on this host"
    assert not application.requests
    assert is_healthy(checks)


def test_given_address_is_asked_wherever_the_web_server_runs(site: Site) -> None:
    application = Application()
    checks = outcomes(site, application, [], url="https://erp.example:8443/")
    assert [check["outcome"] for check in checks] == ["passed"] * 4
    assert application.requests[0]["url"] == "https://erp.example:8443/"
    assert application.requests[0]["host"] == "erp.example:8443"


def test_key_is_sent_with_the_read_only(site: Site) -> None:
    application = Application()
    options = {"api_key": "key", "api_secret": SECRET}
    outcomes(site, application, **options)
    assert [request["headers"] for request in application.requests] == [
        {},
        {},
        {"Authorization": f"token key:{SECRET}"},
    ]
    assert SECRET not in repr(VerificationOptions(**options))


def test_refused_read_fails_when_a_key_was_given(site: Site) -> None:
    checks = outcomes(site, Application(read=[403]), api_key="key", api_secret=SECRET, timeout_seconds=0)
    assert (checks[2]["outcome"], checks[2]["reason"]) == ("failed", "answered 403 (PermissionError)")


def test_site_that_was_in_maintenance_still_is(site: Site) -> None:
    unavailable = [503]
    checks = outcomes(
        site, Application(ping=unavailable, login=unavailable, read=unavailable), expected_maintenance=True
    )
    assert [check["outcome"] for check in checks] == ["passed", "passed", "passed", "skipped"]
    assert checks[3]["reason"] == "the site is in maintenance, as it was before"


def test_site_that_allows_reads_in_maintenance_may_answer(site: Site) -> None:
    checks = outcomes(site, Application(), expected_maintenance=True, timeout_seconds=0)
    assert [check["outcome"] for check in checks[:3]] == ["failed"] * 3
    assert "must still be" in checks[0]["reason"]
    site.config_path.write_text(json.dumps({"allow_reads_during_maintenance": 1}))
    checks = outcomes(site, Application(), expected_maintenance=True, timeout_seconds=0)
    assert [check["outcome"] for check in checks[:3]] == ["passed"] * 3


def test_job_is_asked_for_with_the_names_of_the_bench(site: Site) -> None:
    asked: list[tuple[Any, ...]] = []

    def probe(*arguments: Any) -> ProbeResult:
        asked.append(arguments)
        return ProbeResult("failed", 20.0, "it is still queued after 20 seconds")

    checks = outcomes(site, Application(), probe=probe, job_timeout_seconds=20)
    bench_id = str(site.bench.path).strip("/").replace("/", "-")
    assert asked == [("redis://q:1", bench_id, "a.example", 20)]
    assert (checks[3]["outcome"], checks[3]["seconds"]) == ("failed", 20.0)


def test_no_job_is_sent_when_none_is_wanted(site: Site) -> None:
    checks = outcomes(site, Application(), probe=None, job_timeout_seconds=0)
    assert (checks[3]["outcome"], checks[3]["reason"]) == ("skipped", "no job was asked for")


def test_redis_that_is_down_skips_the_job(site: Site) -> None:
    def probe(*_arguments: Any) -> ProbeResult:
        raise LifeboatError("Cannot use Redis at redis://q:1: ConnectionError.", "redis_unavailable")

    checks = outcomes(site, Application(), probe=probe)
    assert (checks[3]["outcome"], checks[3]["reason"]) == (
        "skipped",
        "Cannot use Redis at redis://q:1: ConnectionError.",
    )
    assert is_healthy(checks)


@pytest.mark.parametrize(
    ("name", "answer", "complaint"),
    [
        ("ping", WebAnswer(200, 0, ""), ""),
        ("ping", WebAnswer(403, 0, REFUSED), "answered 403 (PermissionError)"),
        ("read", WebAnswer(403, 0, REFUSED), ""),
        ("read", WebAnswer(403, 0, "<h1>Forbidden by the proxy</h1>"), "answered 403"),
        ("read", WebAnswer(417, 0, '{"exc_type": "ValidationError", "x": "row 1"}'), "answered 417 (ValidationError)"),
        ("login", WebAnswer(301, 0, ""), "answered 301"),
        ("login", WebAnswer(503, 0, ""), "answered 503"),
    ],
)
def test_judgement(name: str, answer: WebAnswer, complaint: str) -> None:
    assert judge(name, answer, Expectation()) == complaint


def test_unhealthy_site_is_an_error_that_names_what_failed(site: Site) -> None:
    checks = outcomes(site, Application(login=[500]), timeout_seconds=0)
    with pytest.raises(LifeboatError, match=r"a\.example does not serve: login \(answered 500\)") as raised:
        require_healthy(site, checks)
    assert raised.value.error_code == "site_unhealthy"
    assert raised.value.details == {"verification": checks}


def test_healthy_site_is_no_error(site: Site) -> None:
    require_healthy(site, outcomes(site, Application()))
