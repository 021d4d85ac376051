"""What the users of a site get: its answers, from the bench's own web server and from what stands before it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http import HTTPStatus

from ..._bench.web import NO_ANSWER, WebAnswer, fetch, local_url
from ..registry import Measurement, Remediation, check
from ..targets.site import SiteTarget

PING_PATH = "/api/method/ping"
PONG = {"message": "pong"}
CONNECT_SECONDS = 0.5
HTTP_PORT = 80
MEANINGS = {
    NO_ANSWER: "nothing answers",
    HTTPStatus.BAD_GATEWAY: "the web server before the bench cannot reach it",
    HTTPStatus.GATEWAY_TIMEOUT: "the bench does not answer the web server before it in time",
    HTTPStatus.NOT_FOUND: "the web server does not know the site",
    HTTPStatus.SERVICE_UNAVAILABLE: "the site is in maintenance, or being updated",
}


@check(
    "W01",
    "web.ping",
    title="Site answers",
    subject="web",
    target=SiteTarget,
    measures="time of /api/method/ping, which asks the database too; its answer must be pong",
    source="GET to the bench's web server, and to port 80 of this host where something listens there",
    unit="seconds",
    warning="1",
    critical="",
    impact="critical",
    remediation=Remediation(
        "Look at the bench's web processes (supervisorctl status) and at logs/web.error.log.",
        "lifeboat.frappe.diagnose",
    ),
    reference="Frappe Cloud's blackbox probe asks for 200 within 5 s; awesome-prometheus-alerts for 1 s",
)
def web_ping(target: SiteTarget) -> Iterator[Measurement]:
    """Ask the bench directly and through what stands before it, which tells a dead nginx from a dead bench."""
    answer_seconds = target.surroundings.patience.answer_seconds
    yield _measured("bench", fetch(local_url(target.bench.web_port), target.name, PING_PATH, answer_seconds))
    if _listens(HTTP_PORT):
        answer = fetch(local_url(HTTP_PORT), target.name, PING_PATH, answer_seconds)
        if not HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:  # it sends people to https
            yield _measured("front", answer)


def _measured(item: str, answer: WebAnswer) -> Measurement:
    if answer.status == HTTPStatus.OK and _is_pong(answer.body_start):
        return Measurement(answer.seconds, item, f"pong after {answer.seconds:.2f} s")
    meaning = MEANINGS.get(answer.status, "not what a site answers")
    shown = f"status {answer.status}: {meaning}" if answer.status else f"{meaning} ({answer.body_start})"
    return Measurement(answer.seconds, item, shown, severity="critical")


def _is_pong(body: str) -> bool:
    try:
        return bool(json.loads(body) == PONG)
    except ValueError:
        return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
