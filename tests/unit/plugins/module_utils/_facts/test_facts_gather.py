"""What ``gather`` puts together, and that what cannot be read hides nothing else."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.options import HealthOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._facts import gather
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.unit.plugins.module_utils._facts.fakes import write


def gathered(root: Path, timeout_seconds: float = 60) -> dict[str, Any]:
    options = HealthOptions((), bench_path=str(root / "bench"))
    return gather.gather_facts(options, Surroundings(root=root, state_path=root / "state"), timeout_seconds)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "/bench/sites/erp.example.com/site_config.json", '{"db_name": "_a", "db_port": 1}')
    write(tmp_path, "/bench/sites/common_site_config.json", '{"redis_cache": "redis://127.0.0.1:1"}')
    write(tmp_path, "/proc/meminfo", "MemTotal: 1 kB\n")
    write(tmp_path, "/proc/cpuinfo", "processor : 0\n")
    return tmp_path


def test_what_does_not_answer_hides_nothing(root: Path) -> None:
    facts = gathered(root)
    assert facts["system"]["cores"] == 1
    assert [one["site"] for one in facts["backups"]] == ["erp.example.com"]
    assert [one["path"] for one in facts["benches"]] == [str(root / "bench")]
    parts = {one["part"].split(" of ")[0] for one in facts["problems"]}
    assert {"databases", "sizes", "software", "peers"} <= parts
    assert all(one["reason"] for one in facts["problems"])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UnmeasurableError("nobody answers"), "nobody answers"),
        (LifeboatError("Cannot run x.", "command_failed"), "Cannot run x."),
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (OSError("odd"), "OSError"),
        (KeyError("a row of a customer"), "reading it failed: KeyError"),
    ],
)
def test_what_fails_says_why(root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str) -> None:
    def fail(_host: Any) -> Any:
        raise error

    monkeypatch.setitem(gather.READERS, Host, (("system", fail),))
    assert {"part": "system of host", "reason": reason} in gathered(root)["problems"]


def test_what_hangs_is_left_behind(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never = Event()
    monkeypatch.setitem(gather.READERS, Host, (("system", lambda _host: never.wait()),))
    facts = gathered(root, timeout_seconds=1)
    never.set()
    assert {"part": "system of host", "reason": "it did not answer within 60 seconds"} in facts["problems"]
    assert facts["backups"]
