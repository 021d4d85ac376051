"""Check of the realtime server, which tells browsers what happens: whether it answers, and by WebSocket as well."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException

from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.bench import BenchTarget

LOOPBACK = "127.0.0.1"
# The path of Engine.IO, protocol 4, with which every Socket.IO connection begins.
HANDSHAKE = "/socket.io/?EIO=4&transport="
SWITCHING_PROTOCOLS = 101
OK_STATUS = 200


@check(
    "F19",
    "realtime.handshake",
    title="Realtime server",
    subject="site",
    target=BenchTarget,
    measures="Whether a handshake by polling (1 when not) or by WebSocket fails",
    source="the port socketio_port of this host",
    unit="bool",
    warning="0",
    impact="medium",
    remediation=Remediation("Restart the bench's socketio process, and look into logs/node-socketio.error.log."),
    reference="Frappe's System Health Report (SocketIO ping, transport mode), without its browser",
)
def realtime(bench: BenchTarget) -> Iterator[Measurement]:
    """Begin a connection in both ways that browsers have, and end it."""
    port = bench.setting("socketio_port")
    if not str(port or "").isdigit():
        raise NotApplicableError("the bench has no socketio_port")
    answer_seconds = bench.surroundings.patience.answer_seconds / 2
    yield _attempt(int(port), answer_seconds, "polling", OK_STATUS, {})
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    yield _attempt(int(port), answer_seconds, "websocket", SWITCHING_PROTOCOLS, upgrade)


def _attempt(
    port: int, answer_seconds: float, transport: str, expected_status: int, headers: dict[str, str]
) -> Measurement:
    connection = HTTPConnection(LOOPBACK, port, timeout=answer_seconds)
    try:
        connection.request("GET", HANDSHAKE + transport, headers=headers)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return Measurement(1, transport, f"no handshake by {transport} on port {port}: {type(error).__name__}")
    finally:
        connection.close()
    is_right = status == expected_status
    return Measurement(
        int(not is_right),
        transport,
        f"the handshake by {transport} succeeds" if is_right else f"the handshake by {transport} gets status {status}",
    )
