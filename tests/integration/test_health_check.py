"""``health_check`` as Ansible runs it: packed, and with a Python of the system that may lack libraries."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.lab import Lab
from tests.tools.checkout import VENV
from tests.tools.playbook_runs import run_ansible

SYSTEM_PYTHON = "/usr/bin/python3"


@pytest.fixture
def check(lab: Lab) -> Any:
    """Run the module under a Python of this host, as one task."""

    def run(python: str, **options: Any) -> dict[str, Any]:
        where = {"bench_path": str(lab.bench_path), "config_file": str(lab.mariadb.option_file)}
        arguments = {**where, "deadline_seconds": 60, "timeout_seconds": 300, **options}
        command = ["ansible", "host", "-i", "host,", "-c", "local", "-e", f"ansible_python_interpreter={python}"]
        done = run_ansible([*command, "-m", "lifeboat.frappe.health_check", "-a", json.dumps(arguments)])
        assert not done.complaints, done.output
        assert done.exit_code == 0, done.output
        result: dict[str, Any] = json.loads(done.output.partition("=>")[2])
        return result

    return run


def severities(result: dict[str, Any], subject: str) -> set[str]:
    return {finding["severity"] for finding in result["findings"] if finding["subject"] == subject}


def test_every_check_is_shipped_to_the_host(check: Any) -> None:
    result = check(str(VENV / "bin" / "python"), subjects=["host", "mariadb", "redis"], sample_seconds=0.6)
    assert result["changed"] is False
    assert {finding["subject"] for finding in result["findings"]} == {"host", "mariadb", "redis"}
    assert not [finding for finding in result["findings"] if "the check itself failed" in finding["text"]]
    assert "ok" in severities(result, "mariadb")


def has_no_pymysql(python: str) -> bool:
    return bool(shutil.which(python)) and subprocess.run([python, "-c", "import pymysql"], check=False).returncode != 0


@pytest.mark.skipif(not has_no_pymysql(SYSTEM_PYTHON), reason="the system's Python is missing, or has PyMySQL")
def test_without_libraries_it_runs_under_the_python_of_the_bench_or_goes_on_without(check: Any, lab: Lab) -> None:
    wanted = {"checks": ["D03", "H01"], "sample_seconds": 0}
    environment = lab.bench_path / "env"
    assert environment.is_symlink()
    assert "unknown" not in severities(check(SYSTEM_PYTHON, **wanted), "mariadb"), "the bench has what is missing"
    environment.rename(environment.with_name("gone"))
    try:
        alone = check(SYSTEM_PYTHON, **wanted)
    finally:
        environment.with_name("gone").rename(environment)
    assert severities(alone, "mariadb") == {"unknown"}
    assert "unknown" not in severities(alone, "host")
    assert any("PyMySQL is not installed" in finding["text"] for finding in alone["findings"])
