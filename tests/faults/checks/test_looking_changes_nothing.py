"""Every check runs on a bench that is watched: its files, each statement to MariaDB, each command to Redis."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.modules import health_check

from tests.lab import Lab
from tests.modules import run_module

READING = re.compile(
    r"(SELECT|SHOW|EXPLAIN|SET SESSION|SET NAMES|SET AUTOCOMMIT|START TRANSACTION READ ONLY|COMMIT|ROLLBACK)\b",
    re.IGNORECASE,
)
LOG_LINE = re.compile(r"^(?:\S+ +\S+)?\s+\d+ (?:Query|Execute)\t")
# Commands that read or concern the connection alone, though Redis does not mark them as reading.
HARMLESS = {
    *("acl|getuser", "acl|list", "acl|whoami", "auth", "client|info", "client|setinfo", "client|setname", "command"),
    *("config|get", "config|resetstat", "echo", "hello", "info", "latency|latest", "ping", "select", "slowlog|get"),
    "slowlog|len",
}


@pytest.fixture
def options(lab: Lab, tmp_path: Path) -> dict[str, Any]:
    return {
        "bench_path": str(lab.bench_path),
        "config_file": str(lab.mariadb.option_file),
        "state_path": str(tmp_path / "state"),
        "sample_seconds": 0.6,
        "deadline_seconds": 60,
        "timeout_seconds": 300,
    }


@contextmanager
def statements(lab: Lab, found: list[str]) -> Iterator[None]:
    """Collect what comes to the server from anybody but the lab itself, whose services are stopped."""
    log = lab.folder / f"{secrets.token_hex(4)}.log"
    with closing(connect(lab.login)) as administrator:
        execute(administrator, f"SET GLOBAL general_log_file = '{log}', GLOBAL general_log = ON")
        try:
            yield
            lines = log.read_text(errors="replace").splitlines()
            found.extend(line[match.end() :] for line in lines if (match := LOG_LINE.match(line)))
        finally:
            execute(administrator, "SET GLOBAL general_log = OFF")


@contextmanager
def changing_commands(url: str, found: set[str]) -> Iterator[None]:
    """Collect the commands that a Redis server ran and that do not only read."""
    with closing(redis.Redis.from_url(url)) as connection:
        reading = {name for name, facts in connection.command().items() if "readonly" in facts["flags"]}
        connection.config_resetstat()
        yield
        ran = {str(name).removeprefix("cmdstat_") for name in connection.info("commandstats")}
        found |= {name for name in ran - HARMLESS if name.partition("|")[0] not in reading}


def files_below(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for root, _folders, names in os.walk(folder):
        for name in names:
            status = Path(root, name).lstat()
            found[str(Path(root, name))] = (status.st_mtime_ns, status.st_size)
    return found


def test_looking_changes_nothing(lab, options):
    lab.backup("alpha.localhost")
    programs = [line.split()[0] for line in lab.supervisorctl("status").splitlines()]
    # What is left running is what the checks ask: whatever these servers are told then comes from the checks.
    lab.supervisorctl("stop", *(name for name in programs if "redis" not in name))
    before = files_below(lab.bench_path)
    told: list[str] = []
    changing: set[str] = set()
    with (
        statements(lab, told),
        changing_commands(lab.redis_cache_url, changing),
        changing_commands(lab.redis_queue_url, changing),
    ):
        result = run_module(health_check, **options)
    assert len({finding["id"] for finding in result["findings"]}) > 100
    assert len(told) > 50
    assert [statement for statement in told if not READING.match(statement)] == []
    assert changing == set()
    assert files_below(lab.bench_path) == before
    assert not Path(options["state_path"]).exists()
