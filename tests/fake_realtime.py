"""A stand-in for the realtime server, which needs Node: it answers handshakes."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.lab.background import Background


class RealtimeServer(Background):
    """Answers on a free port until it is stopped; by WebSocket while ``speaks_websocket``."""

    def __init__(self) -> None:
        super().__init__("realtime")
        self.speaks_websocket = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port

    def stop(self) -> None:
        """Answer no longer."""
        self._server.shutdown()
        super().stop()
        self._server.server_close()

    def _run(self) -> None:
        self._server.serve_forever()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        realtime = self

        class Handshake(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_upgrade = self.headers.get("Upgrade") == "websocket"
                self.send_response(101 if is_upgrade and realtime.speaks_websocket else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        return Handshake
