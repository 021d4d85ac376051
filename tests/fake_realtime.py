"""A stand-in for the realtime server, which needs Node: it answers handshakes."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


class RealtimeServer:
    """Answers on a free port until it is stopped; by WebSocket while ``speaks_websocket``."""

    def __init__(self) -> None:
        self.speaks_websocket = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> RealtimeServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Answer no longer."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

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
