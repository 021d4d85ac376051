"""Logging in step by step: the steps before the server has a say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.stages import Attempt, attempt_login

TOO_MANY_CONNECTIONS = b"\x17\x00\x00\x00\xff\x10\x04Too many connections"


def attempt(login: LoginOptions, timeout_seconds: float = 2, **arguments: Any) -> Attempt:
    return attempt_login(login, "_a", "tabSingles", timeout_seconds=timeout_seconds, **arguments)


@contextmanager
def server_that_says(packet: bytes) -> Iterator[int]:
    """A server that sends one packet to its first client and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _address = listener.accept()
            with client:
                client.sendall(packet)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def fails_to_resolve(*_arguments: Any, **_options: Any) -> Any:
    raise socket.gaierror(-2, "Name or service not known")


def test_name_that_does_not_resolve() -> None:
    made = attempt(LoginOptions(login_host="db.example.com"), resolve=fails_to_resolve)

    assert (made.failed_stage, made.reason) == ("name resolution", "the name does not resolve")
    assert "db_host" in made.advice
    assert [stage.name for stage in made.stages] == ["name resolution"]


def test_resolver_that_hangs_is_left_behind() -> None:
    is_over = threading.Event()

    def hangs(*_arguments: Any, **_options: Any) -> list[Any]:
        is_over.wait(10)
        return []

    made = attempt(LoginOptions(login_host="db.example.com"), 0.05, resolve=hangs)
    is_over.set()

    assert made.failed_stage == "name resolution"
    assert made.reason.startswith("no answer within ")


def test_port_that_nothing_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    made = attempt(LoginOptions(login_host="127.0.0.1", login_port=port))

    assert (made.failed_stage, made.reason) == ("TCP connection", "connection refused")
    assert [stage.name for stage in made.stages] == ["name resolution", "TCP connection"]
    assert made.seconds == sum(stage.seconds for stage in made.stages)


def test_second_address_of_a_name_is_tried() -> None:
    with server_that_says(TOO_MANY_CONNECTIONS) as port:
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]
        made = attempt(LoginOptions(login_host="db"), resolve=lambda *_arguments, **_options: addresses)

    assert made.failed_stage == "handshake"


def test_missing_socket(tmp_path: Path) -> None:
    made = attempt(LoginOptions(login_unix_socket=str(tmp_path / "none.sock")))

    assert (made.failed_stage, made.reason) == ("socket connection", "no such file or directory")


def test_server_that_is_full_says_so_instead_of_a_greeting() -> None:
    with server_that_says(TOO_MANY_CONNECTIONS) as port:
        made = attempt(LoginOptions(login_host="127.0.0.1", login_port=port))

    assert (made.failed_stage, made.error_number) == ("handshake", 1040)
    assert "max_connections" in made.advice


@pytest.mark.parametrize(
    ("packet", "stage"),
    [(b"", "handshake"), (b"\x01\x00\x00\x00", "login")],
    ids=["nothing", "no-greeting"],
)
def test_something_else_that_listens(packet: bytes, stage: str) -> None:
    with server_that_says(packet) as port:
        made = attempt(LoginOptions(login_host="127.0.0.1", login_port=port))

    assert made.failed_stage == stage
    assert made.advice


def test_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = attempt(LoginOptions(login_host="127.0.0.1", login_port=listener.getsockname()[1]), 0.1)

    assert made.failed_stage == "handshake"
    assert made.reason.startswith("no answer within ")
