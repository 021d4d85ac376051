"""Requests to a web server that answers what the test says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.web import BODY_LIMIT_BYTES, fetch, local_url


class Handler(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_GET(self) -> None:
        if self.path == "/cut":
            self.wfile.write(b"junk\r\n\r\n")
            return
        self.send_response(301 if self.path == "/moved" else 200)
        self.send_header("Location", "https://elsewhere.example/")
        self.end_headers()
        body = f"{self.path} {self.headers['Host']} {self.headers['Authorization']}".encode()
        self.wfile.write(body + b"." * (BODY_LIMIT_BYTES if self.path == "/long" else 0))

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a server that runs during a test."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield local_url(server.server_port)
        server.shutdown()
        thread.join()


def test_site_is_named_in_the_host_header(url: str) -> None:
    answer = fetch(url, "a.example", "/login", headers={"Authorization": "token k:s"})
    assert (answer.status, answer.body_start) == (200, "/login a.example token k:s")
    assert answer.seconds >= 0


def test_redirect_is_not_followed(url: str) -> None:
    assert fetch(url, "a.example", "/moved").status == 301


def test_only_the_start_of_the_body_is_kept(url: str) -> None:
    assert len(fetch(url, "a.example", "/long").body_start) == BODY_LIMIT_BYTES


def test_what_is_not_http_is_no_answer(url: str) -> None:
    answer = fetch(url, "a.example", "/cut")
    assert (answer.status, answer.body_start) == (0, "BadStatusLine")


def test_closed_port_is_no_answer() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = fetch(local_url(unused.getsockname()[1]), "a.example", "/")
    assert (answer.status, answer.body_start) == (0, "Connection refused")


def test_silent_server_is_no_answer() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        answer = fetch(local_url(silent.getsockname()[1]), "a.example", "/", timeout_seconds=0.05)
    assert (answer.status, answer.body_start) == (0, "TimeoutError")


@pytest.mark.parametrize("address", ["http://127.0.0.1:port", "http://[::1"])
def test_address_that_is_none_is_no_answer(address: str) -> None:
    assert fetch(address, "a.example", "/").status == 0


def test_header_that_is_not_valid_is_not_quoted(url: str) -> None:
    answer = fetch(url, "a.example", "/", headers={"Authorization": "token k:se\ncret"})
    assert (answer.status, answer.body_start) == (0, "the address or a header of the request is not valid")


def test_encrypted_address_is_asked_encrypted(url: str) -> None:
    answer = fetch(url.replace("http", "https"), "a.example", "/")
    assert answer.status == 0
    assert "SSL" in answer.body_start or "record" in answer.body_start or "version" in answer.body_start
