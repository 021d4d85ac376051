"""What is compared between hosts, read by ``peers``: no secret is among it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._facts import peers

from tests.unit.plugins.module_utils._facts.fakes import FakeBench, FakeRedis, host_at, write


@pytest.mark.parametrize(
    ("text", "value"), [("60", 60), ("-1", -1), ("1.500", 1.5), ("ON", "ON"), ("32768\t60999", "32768 60999"), ("", "")]
)
def test_number_or_text(text: str, value: object) -> None:
    assert peers.number_or_text(text) == value


def test_kernel(tmp_path: Path) -> None:
    write(tmp_path, "/proc/sys/vm/swappiness", "60\n")
    write(tmp_path, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n")
    (found,) = peers.kernel_values(host_at(tmp_path))
    assert found == {
        "kind": "kernel",
        "name": "host",
        "identity": "",
        "values": {"vm.swappiness": 60, "transparent_hugepage": "madvise"},
    }


def test_kernel_that_tells_nothing(tmp_path: Path) -> None:
    assert peers.kernel_values(host_at(tmp_path))[0]["values"] == {}


def test_redis_without_its_password() -> None:
    (found,) = peers.redis_values(FakeRedis({}, {"maxmemory": "100", "requirepass": "s3cr3t", "save": ""}))
    assert found["kind"] == "Redis cache and socketio"
    assert found["values"] == {"maxmemory": 100, "save": ""}


def test_bench_without_its_secrets(tmp_path: Path) -> None:
    configuration = {"root_password": "s3cr3t", "gunicorn_workers": 4, "developer_mode": True, "allow_cors": ["*"]}
    write(tmp_path, "/sites/common_site_config.json", json.dumps(configuration))
    write(tmp_path, "/sites/apps.txt", "frappe\n")
    (found,) = peers.bench_values(FakeBench(tmp_path, ("web", "worker", "worker")))
    assert found["values"] == {
        "version of frappe": "unknown",
        "web services": 1,
        "worker services": 2,
        "gunicorn_workers": 4,
        "developer_mode": True,
        "allow_cors": "['*']",
    }
