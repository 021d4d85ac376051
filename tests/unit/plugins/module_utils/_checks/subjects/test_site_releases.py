from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_releases import python_version
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.fake_site import FakeSite


def node(arguments: Sequence[str]) -> CommandResult:
    return CommandResult(tuple(arguments), 0, "v18.20.4\n", "")


def no_node(arguments: Sequence[str]) -> CommandResult:
    raise LifeboatError(f"{arguments[0]} is not installed", "command_missing")


@pytest.mark.parametrize(
    ("lines", "version"),
    [("home = /usr/bin\nversion = 3.11.2\n", "3.11.2"), ("version_info = 3.10.4.final.0\n", "3.10.4.final.0")],
)
def test_version_of_an_environment_is_read_from_its_configuration(tmp_path: Path, lines: str, version: str) -> None:
    (tmp_path / "pyvenv.cfg").write_text(lines)
    assert python_version(tmp_path) == version


def test_version_of_an_environment_is_read_from_its_packages(tmp_path: Path) -> None:
    assert python_version(tmp_path) == ""
    (tmp_path / "lib" / "python3.12").mkdir(parents=True)
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\n")
    assert python_version(tmp_path) == "3.12"


def test_each_product_is_judged_by_its_own_date(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.write("apps/frappe/frappe/__init__.py", '__version__ = "15.55.1"')
    fake.write("env/pyvenv.cfg", "version = 3.11.2\n")
    now = datetime(2026, 11, 21, tzinfo=timezone.utc).timestamp()
    findings = fake.look_at_bench("F20", now=lambda: now, runner=node)
    assert {item: finding.severity for item, finding in findings.items()} == {
        "frappe": "ok",
        "python": "ok",
        "node": "critical",
    }
    assert findings["node"].text == "node v18.20.4 has had no fixes since 2025-04-30"


def test_unknown_version_is_unknown_and_node_may_be_missing(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.write("apps/frappe/frappe/__init__.py", "")
    findings = fake.look_at_bench("F20", runner=no_node)
    assert {item: finding.severity for item, finding in findings.items()} == {"frappe": "unknown", "python": "unknown"}
    assert findings["python"].text == "nobody knows how long python (no version) gets fixes"
