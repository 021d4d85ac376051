"""Failing to talk to Redis, without showing its password."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue import connection
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

SECRET = "RWcQ0nd3m2um3Cc9"


def test_server_that_is_down_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"redis://:{SECRET}@127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(LifeboatError) as raised, connection.redis_connection(url):
            pytest.fail("no server listens")
    assert raised.value.error_code == "redis_unavailable"
    assert "ConnectionError" in raised.value.message
    assert SECRET not in raised.value.message


@pytest.mark.parametrize("url", [f"http://:{SECRET}@host", f"redis://:{SECRET}@host:port", f"redis://[{SECRET}"])
def test_address_that_is_none_is_unavailable(url: str) -> None:
    with pytest.raises(LifeboatError) as raised, connection.redis_connection(url):
        pytest.fail("there is no such address")
    assert raised.value.error_code == "redis_unavailable"


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HAS_REDIS", False)
    url = f"redis://:{SECRET}@127.0.0.1:1"
    with pytest.raises(LifeboatError, match="prerequisites") as raised, connection.redis_connection(url):
        pytest.fail("there is no library")
    assert raised.value.error_code == "library_missing"
    assert SECRET not in raised.value.message
