"""Does the live site serve? Asked of its web server and of its queue, the way its users do."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Callable

from .._bench.configuration import bench_id, is_on, read_configuration, redis_addresses, webserver_port
from .._bench.layout import Site
from .._bench.service import RUNNING, Service
from .._bench.web import NO_ANSWER, WebAnswer, fetch, local_url
from .._queue.probe import FAILED, PASSED, SKIPPED, ProbeResult, probe_queue
from .._system.errors import LifeboatError
from .surroundings import common_configuration

# Frappe answers these without a session. Ping alone proves little: it answers with half of the tables gone.
PATHS = {
    "ping": "/api/method/ping",
    "login": "/login",
    "read": "/api/method/frappe.client.get_count?doctype=User",
}

OK = 200
FORBIDDEN = 403
UNAVAILABLE = 503
RETRY_SECONDS = 0.25
# Users give up on a page long before this; a server that is only slow under load is not called broken.
REQUEST_TIMEOUT_SECONDS = 10

_EXCEPTION_TYPE = re.compile(r'"exc_type"\s*:\s*"(\w+)"')

Fetch = Callable[..., WebAnswer]
Probe = Callable[..., ProbeResult]


@dataclass(frozen=True)
class VerificationOptions:
    """What to ask of the live site.

    Attributes:
        url: Where to ask; None for the bench's own web server on this host.
        expected_maintenance: The site was in maintenance before, so 503 is the right answer.
        api_key: The key of a user who may count users: the read must then be allowed. Without it, a refusal by the
            application proves that it answers.
        api_secret: The secret of the key.
        timeout_seconds: For the answers of the web server together, which may have to reload.
        job_timeout_seconds: For the job; 0 sends none.
    """

    url: str | None = None
    expected_maintenance: bool = False
    api_key: str | None = None
    api_secret: str | None = field(default=None, repr=False)
    timeout_seconds: float = 30
    job_timeout_seconds: float = 20


@dataclass(frozen=True)
class Expectation:
    """Which answers are right: whether the site is to be in maintenance, may be read then, and knows who asks."""

    maintenance: bool = False
    reads_in_maintenance: bool = False
    authenticated: bool = False


def verify_site(
    site: Site,
    services: Iterable[Service],
    options: VerificationOptions,
    ask: Fetch = fetch,
    probe: Probe = probe_queue,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[dict[str, Any]]:
    """Ask the live site for a ping, its login page and a read of its database, and have a worker run a job.

    Args:
        site: The site, whose configuration is readable.
        services: The bench's services on this host.
        options: What to ask.
        ask: Sends a request.
        probe: Sends the job.
        clock: Monotonic seconds.
        sleep: Waits.

    Returns:
        One ``{name, outcome, seconds, reason}`` a check: ping, login, read, job. The outcome is passed, failed, or
        skipped where this host cannot tell, as when no web process of the bench runs on it.

    Raises:
        LifeboatError: ``configuration_missing`` or ``configuration_invalid``, of the site (Frappe serves without
            that of the bench).
    """
    common = common_configuration(site.bench)
    merged = {**common, **read_configuration(site.config_path)}
    expectation = Expectation(
        maintenance=options.expected_maintenance,
        reads_in_maintenance=is_on(merged, "allow_reads_during_maintenance"),
        authenticated=bool(options.api_key),
    )
    runs_here = any(service.kind == "web" and service.state == RUNNING for service in services)
    deadline = clock() + options.timeout_seconds
    results = []
    for name, path in PATHS.items():
        if options.url is None and not runs_here:
            results.append(_result(name, SKIPPED, 0.0, "no web process of the bench runs on this host"))
            continue
        request = _request(site, options, path, webserver_port(common))
        started = clock()
        complaint = judge(name, ask(**request), expectation)
        while complaint and clock() < deadline:
            sleep(RETRY_SECONDS)
            complaint = judge(name, ask(**request), expectation)
        results.append(_result(name, FAILED if complaint else PASSED, clock() - started, complaint))
    return [*results, _check_job(site, common, options, probe)]


def is_healthy(verification: Iterable[dict[str, Any]]) -> bool:
    """Tell whether no check failed; a check that could not be made says nothing."""
    return all(check["outcome"] != FAILED for check in verification)


def require_healthy(site: Site, verification: list[dict[str, Any]]) -> None:
    """Raise LifeboatError ``site_unhealthy`` when a check failed; its details hold all checks."""
    if is_healthy(verification):
        return
    failed = [f"{check['name']} ({check['reason']})" for check in verification if check["outcome"] == FAILED]
    raise LifeboatError(
        f"The site {site.name} does not serve: {', '.join(failed)}. Look into the logs of the site and of the bench.",
        "site_unhealthy",
        {"verification": verification},
    )


def judge(name: str, answer: WebAnswer, expectation: Expectation) -> str:
    """Return what is wrong with an answer, or nothing.

    No text of the answer is repeated but the name of the exception: an error page may quote a row.
    """
    exception = _EXCEPTION_TYPE.search(answer.body_start)
    kind = exception[1] if exception else ""
    if answer.status == NO_ANSWER:
        return f"no answer: {answer.body_start}"
    if expectation.maintenance and answer.status == UNAVAILABLE:
        return ""
    if expectation.maintenance and not expectation.reads_in_maintenance:
        return f"answered {answer.status}, but the site was in maintenance before and must still be (503)"
    if answer.status == OK:
        return ""
    if name == "read" and not expectation.authenticated and (answer.status, kind) == (FORBIDDEN, "PermissionError"):
        return ""
    return f"answered {answer.status}{f' ({kind})' if kind else ''}"


def _request(site: Site, options: VerificationOptions, path: str, port: int) -> dict[str, Any]:
    headers = {}
    if options.api_key and path == PATHS["read"]:
        headers["Authorization"] = f"token {options.api_key}:{options.api_secret}"
    return {
        "url": options.url or local_url(port),
        # What stands before the bench knows the site by the name in its own address.
        "host": options.url.partition("://")[2].partition("/")[0] if options.url else site.name,
        "path": path,
        "timeout_seconds": REQUEST_TIMEOUT_SECONDS,
        "headers": headers,
    }


def _check_job(site: Site, common: dict[str, Any], options: VerificationOptions, probe: Probe) -> dict[str, Any]:
    if not options.job_timeout_seconds:
        return _result("job", SKIPPED, 0.0, "no job was asked for")
    if options.expected_maintenance:
        return _result("job", SKIPPED, 0.0, "the site is in maintenance, as it was before")
    queue_url = redis_addresses(common)[1]
    try:
        result = probe(queue_url, bench_id(common, site.bench.path), site.name, options.job_timeout_seconds)
    except LifeboatError as error:
        return _result("job", SKIPPED, 0.0, error.message)
    return _result("job", result.outcome, result.seconds, result.reason)


def _result(name: str, outcome: str, seconds: float, reason: str) -> dict[str, Any]:
    return {"name": name, "outcome": outcome, "seconds": round(seconds, 3), "reason": reason}
