"""Who can reach Redis, by where it listens and what it asks."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.redis_exposure import open_addresses

from tests.check_runs import run_one
from tests.redis_doubles import ToldRedis, severities

PUBLIC, PRIVATE = "203.0.113.5", "10.0.0.5"


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        ("127.0.0.1 ::1", []),
        ("127.0.0.1 -::1", []),
        ("localhost", []),
        ("127.0.0.53", []),
        ("", [None]),
        ("* -::*", [None, None]),
        ("0.0.0.0", [None]),  # noqa: S104
        ("::", [None]),
        (f"127.0.0.1 {PRIVATE}", [ip_address(PRIVATE)]),
        ("redis.internal", [None]),
    ],
)
def test_addresses_that_others_reach(bind: str, expected: list[Any]) -> None:
    assert open_addresses(bind.split()) == expected


class Server:
    def __init__(self, *flags: str) -> None:
        self.flags = flags

    def acl_getuser(self, name: str) -> dict[str, Any]:
        assert name == "default"
        return {"flags": list(self.flags)}


OPEN = Server("on", "nopass")


@pytest.mark.parametrize(
    ("bind", "protected", "version", "server", "severity"),
    [
        ("127.0.0.1", "no", "7.0.15", OPEN, "ok"),
        ("*", "no", "7.0.15", OPEN, "critical"),
        ("*", "yes", "7.0.15", OPEN, "ok"),
        (PRIVATE, "no", "7.0.15", OPEN, "warning"),
        ("8.8.8.8", "no", "7.0.15", OPEN, "critical"),
        # Before Redis 7, bind switched protected mode off.
        (PRIVATE, "yes", "6.2.6", OPEN, "warning"),
        ("", "yes", "6.2.6", OPEN, "ok"),
        ("*", "no", "7.0.15", Server("on"), "ok"),
        ("*", "no", "7.0.15", Server("off", "nopass"), "ok"),
    ],
)
def test_listening(bind: str, protected: str, version: str, server: Server, severity: str) -> None:
    settings = {"bind": bind, "protected-mode": protected}
    target = ToldRedis({"redis_version": version}, settings, server=server)
    assert severities(run_one("R11", target)) == {"listen": severity}


@pytest.mark.parametrize(("password", "severity"), [("", "critical"), ("hidden", "ok")])
def test_server_that_does_not_show_its_accounts(password: str, severity: str) -> None:
    settings = {"bind": "*", "protected-mode": "no", "requirepass": password}
    found = run_one("R11", ToldRedis({"redis_version": "5.0.7"}, settings))
    assert severities(found) == {"listen": severity}
    assert "hidden" not in str(found)


@pytest.mark.parametrize(
    ("content", "mode", "expected"),
    [
        ("port 1\nrequirepass hidden\n", 0o644, "warning"),
        ("user frappe on >hidden ~*\n", 0o604, "warning"),
        ("port 1\nrequirepass hidden\n", 0o640, "ok"),
        ("port 1\n# requirepass hidden\n", 0o644, "ok"),
        (None, 0, None),
    ],
)
def test_configuration_file(tmp_path: Path, content: str | None, mode: int, expected: str | None) -> None:
    path = tmp_path / "config" / "redis_queue.conf"
    path.parent.mkdir()
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    info = {"redis_version": "7.0.15", "config_file": "/config/redis_queue.conf"}
    target = ToldRedis(info, {"bind": "127.0.0.1", "protected-mode": "yes"}, root=tmp_path)
    found = severities(run_one("R11", target))
    assert found.get("file") == expected
    target = ToldRedis(info, {"bind": "127.0.0.1", "protected-mode": "yes"}, root=tmp_path)
    target.url = "redis://localhost.example:6379"
    assert "file" not in severities(run_one("R11", target))
