"""The servers between the users and a site: nginx and the bench's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..._system.quantities import count_text, duration_text
from ..listeners import read_listeners
from ..nginx import configuration_files, values_of
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.bench import BenchTarget
from ..targets.host import Host

MASTER_TITLE = "nginx: master process"
DEFAULT_ACCESS_LOG = "/var/log/nginx/access.log"
# The end of a log that is looked at: some thousand requests.
LOG_TAIL_BYTES = 1024 * 1024
LEAST_REQUESTS = 50
# The status behind the quoted request of nginx's "combined" log format and those derived from it.
_STATUS = re.compile(rb'" (?P<status>[1-5]\d\d) ')


@check(
    "W04",
    "nginx.reloaded",
    title="nginx knows its configuration",
    subject="web",
    target=Host,
    measures="time for which nginx's configuration has been newer than its workers",
    source="mtime of nginx's configuration files against the start of its newest worker",
    unit="seconds",
    warning="600",
    impact="high",
    remediation=Remediation("Test the configuration with nginx -t, then reload nginx."),
    reference="own proposal; nginx -t is not run, because it creates log files that are missing",
)
def nginx_reloaded(target: Host) -> Iterator[Measurement]:
    """Find a change that waits for a reload, which the next restart would bring as a surprise."""
    root = target.surroundings.root
    files = configuration_files(root)
    if not files:
        raise NotApplicableError("nginx is not configured on this host")
    started = _newest_worker_seconds(target)
    if started is None:
        yield Measurement(None, text="nginx is configured, but does not run", severity="critical")
        return
    newest = max(files, key=lambda path: path.stat().st_mtime)
    changed = newest.stat().st_mtime
    if changed <= started:
        yield Measurement(0, text="nginx runs with its present configuration")
        return
    waiting = target.now_seconds - changed
    yield Measurement(waiting, text=f"{newest.name} was changed {duration_text(waiting)} ago and not loaded since")


def _newest_worker_seconds(target: Host) -> float | None:
    """Return when nginx last started workers: at its start or its last reload; None where it does not run."""
    masters = {process.pid for process in target.processes if " ".join(process.arguments).startswith(MASTER_TITLE)}
    workers = [process for process in target.processes if process.parent_pid in masters]
    return max(map(target.started_at_seconds, workers), default=None)


@check(
    "W05",
    "web.errors",
    title="Requests that fail on the server",
    subject="web",
    target=Host,
    measures="share of answers 500 to 599 among the last requests of each access log",
    source="the last mebibyte of the access logs that nginx is told to write",
    unit="percent",
    warning="1",
    critical="5",
    impact="high",
    remediation=Remediation("Look at the bench's logs/web.error.log and at the Error Log.", "lifeboat.frappe.diagnose"),
    reference="awesome-prometheus-alerts NginxHighHttp5xxErrorRate 5 %; warning: own proposal",
)
def web_errors(target: Host) -> Iterator[Measurement]:
    """Count what users got, not what the application logged; a log with few requests is not judged."""
    root = target.surroundings.root
    if not configuration_files(root):
        raise NotApplicableError("nginx is not configured on this host")
    logs = [value for value in values_of("access_log", root) if value != "off"] or [DEFAULT_ACCESS_LOG]
    read = [(log, _statuses(root / log.lstrip("/"))) for log in logs]
    judged = [(log, statuses) for log, statuses in read if len(statuses) >= LEAST_REQUESTS]
    if not judged:
        raise NotApplicableError("no access log has enough requests to judge")
    for log, statuses in judged:
        failed = sum(status.startswith(b"5") for status in statuses)
        share = 100 * failed / len(statuses)
        gateway = sum(status in {b"502", b"504"} for status in statuses)
        text = f"{share:.1f} % of the last {count_text(len(statuses), 'request')} failed"
        yield Measurement(share, log, text, (f"{count_text(gateway, 'answer')} 502 or 504",) if gateway else ())


def _statuses(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - LOG_TAIL_BYTES))
            return _STATUS.findall(stream.read(LOG_TAIL_BYTES))
    except OSError:
        return []


@check(
    "W06",
    "web.backlog",
    title="Requests that wait for a web process",
    subject="web",
    target=BenchTarget,
    measures="connections in the queue of the bench's web port that no process has taken yet",
    source="/proc/net/tcp and tcp6 of this host",
    unit="count",
    warning="5",
    critical="50",
    impact="medium",
    remediation=Remediation("Look for slow requests, or give the bench more gunicorn workers."),
    reference="own proposal: a healthy bench takes a connection at once",
)
def web_backlog(target: BenchTarget) -> Iterator[Measurement]:
    """Read the accept queue of the bench's port."""
    listeners = [found for found in read_listeners(target.surroundings.root) if found.port == target.web_port]
    if not listeners:
        yield Measurement(None, text=f"nothing listens on the bench's port {target.web_port}", severity="critical")
        return
    waiting = sum(listener.waiting for listener in listeners)
    yield Measurement(waiting, text=f"{count_text(waiting, 'connection')} waiting")
