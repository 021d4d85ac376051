"""The stages of reaching Redis that need no server of Redis; the others are in the faults of the checks."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue import reach as module
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.reach import reach
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

SECRET = "RWcQ0nd3m2um3Cc9"


@pytest.fixture
def port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        yield mute.getsockname()[1]


@pytest.mark.parametrize(
    "url",
    [f"http://:{SECRET}@host", f"redis://:{SECRET}@host:port", f"redis://[{SECRET}", f"redis://:{SECRET}@host:99999"],
)
def test_what_is_no_address(url: str) -> None:
    found = reach(url)
    assert (found.stage, found.ping_seconds) == ("address", None)
    assert SECRET not in found.reason


def test_address_that_only_the_library_refuses(port: int) -> None:
    assert reach(f"redis://127.0.0.1:{port}?socket_timeout=soon").stage == "address"


def test_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: Any, **_options: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = reach("redis://cache.invalid:6379")
    assert (found.stage, "not known" in found.reason) == ("name", True)


def test_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: released.wait(60))
    found = reach("redis://cache.example:6379", stage_seconds=0.05)
    released.set()
    assert (found.stage, "name servers" in found.reason) == ("name", True)


def test_socket_that_is_not_there_and_one_that_is_mute(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    assert reach(f"unix://{path}").stage == "connection"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(os.fspath(path))
        mute.listen()
        assert reach(f"unix://{path}", stage_seconds=0.05).stage == "answer"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.timeout(), "no answer: check the host"),
        (OSError(113, "No route to host"), "No route to host: check the network"),
        (ConnectionRefusedError(), "nothing listens there"),
    ],
)
def test_connection_that_is_not_made(monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str) -> None:
    def fail(*_arguments: Any) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", fail)
    found = reach("redis://127.0.0.1:6379")
    assert (found.stage, reason in found.reason) == ("connection", True)


class Server:
    """Answers as a server in one state does."""

    def __init__(self, error: redis.RedisError | None = None, role: str = "master") -> None:
        self.error = error
        self.role = role
        self.is_closed = False

    def ping(self) -> None:
        if self.error:
            raise self.error

    def info(self, _section: str) -> dict[str, str]:
        return {"role": self.role}

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize(
    ("server", "stage", "reason"),
    [
        (Server(redis.BusyLoadingError("LOADING")), "data", "still loads"),
        (Server(redis.AuthenticationError(SECRET)), "account", "refuses the account"),
        (Server(redis.exceptions.NoPermissionError(SECRET)), "account", "ACL"),
        (Server(redis.TimeoutError()), "answer", "does not answer"),
        (Server(redis.ConnectionError("closed")), "answer", "ends the connection"),
        (Server(redis.ResponseError("MISCONF Redis is configured to save")), "writes", "could not save"),
        (Server(redis.ResponseError(SECRET)), "answer", "(ResponseError)"),
        (Server(role="slave"), "role", "replica"),
    ],
)
def test_server_that_does_not_let_write(
    monkeypatch: pytest.MonkeyPatch, port: int, server: Server, stage: str, reason: str
) -> None:
    monkeypatch.setattr(module.redis.Redis, "from_url", lambda *_arguments, **_options: server)
    found = reach(f"redis://127.0.0.1:{port}")
    assert (found.stage, reason in found.reason, found.ping_seconds) == (stage, True, None)
    assert SECRET not in found.reason
    assert server.is_closed


def test_fastest_answer_after_the_first_counts(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(module.redis.Redis, "from_url", lambda *_arguments, **_options: Server())
    moments = iter([0.0, 9.0, 10.0, 10.5, 20.0, 20.25, 30.0, 31.0])
    found = reach(f"redis://127.0.0.1:{port}", clock=lambda: next(moments))
    assert (found.stage, found.ping_seconds) == ("", 0.25)


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HAS_REDIS", False)
    with pytest.raises(LifeboatError, match="prerequisites") as raised:
        reach("redis://127.0.0.1:1")
    assert raised.value.error_code == "library_missing"
