"""The program lifeboat-health."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._reports import script

PASSWORD = "hunter2-of-the-database"


class Program:
    """Runs the program with a configuration and keeps what it printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "health.json"
        self.output = self.error_output = ""

    def run(self, *arguments: str, **options: Any) -> int:
        defaults = {"checks": ["A01"], "search_paths": [str(self.folder / "benches")]}
        self.configuration.write_text(json.dumps({**defaults, "state_path": str(self.folder / "state"), **options}))
        return self.start(*arguments)

    def start(self, *arguments: str) -> int:
        output, error_output = io.StringIO(), io.StringIO()
        exit_code = script.main(["--configuration", str(self.configuration), *arguments], output, error_output)
        self.output, self.error_output = output.getvalue(), error_output.getvalue()
        return exit_code


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_one_line_and_its_exit_code(program: Program) -> None:
    accepted = {"id": "H01", "reason": "why", "owner": "who", "expires": "2020-01-31"}
    assert program.run(accepted=[accepted]) == 1
    assert program.output.startswith("LIFEBOAT WARNING: 1 warning")
    assert program.output.count("\n") == 1
    assert "No bench was found" in program.error_output
    assert program.run() == 3, "all that was asked for was skipped"


def test_whole_result_as_json(program: Program) -> None:
    program.run("--json", keep_history=True)
    assert json.loads(program.output)["findings"][0]["id"] == "A01"
    assert (program.folder / "state" / "health.jsonl").exists()


def test_only_looking(program: Program) -> None:
    program.run("--only-look", keep_history=True)
    assert not (program.folder / "state").exists()


@pytest.mark.parametrize(
    "configuration",
    ["{", "[]", '{"login_password": "%s", "deadline_seconds": "%s"}', '{"checks": 5}', '{"thresholds": ["A01"]}'],
)
def test_configuration_that_cannot_be_used_is_unknown_and_not_quoted(program: Program, configuration: str) -> None:
    program.configuration.write_text(configuration.replace("%s", PASSWORD))
    assert program.start() == 3
    assert program.output.startswith("LIFEBOAT UNKNOWN: ")
    assert program.output.count("\n") == 1
    assert PASSWORD not in program.output + program.error_output


def test_configuration_that_is_missing_is_unknown(program: Program) -> None:
    assert program.start() == 3
    assert "FileNotFoundError" in program.output


def test_options_that_cannot_be_meant_are_unknown(program: Program) -> None:
    assert program.run(checks=["Z99"]) == 3
    assert "Z99" in program.output


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be started instead, where redis is missing."""
    found: list[Any] = []
    monkeypatch.setattr(script, "HAS_REDIS", False)
    monkeypatch.setattr(os, "execve", lambda *arguments: found.append(arguments))
    monkeypatch.delenv(script.RESTARTED, raising=False)
    return found


def bench_python(program: Program) -> Path:
    bench = program.folder / "benches" / "bench"
    (bench / "sites").mkdir(parents=True)
    (bench / "sites" / "apps.txt").touch()
    python = bench / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    return python


def test_it_starts_again_under_the_python_of_a_bench_where_a_library_is_missing(
    program: Program, started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    program.run()
    assert started == [], "there is no bench"
    python = bench_python(program)
    program.run()
    ((interpreter, arguments, environment),) = started
    assert (interpreter, arguments) == (str(python), [str(python), *sys.argv])
    assert environment[script.RESTARTED] == "1"
    monkeypatch.setenv(script.RESTARTED, "1")
    program.run()
    assert len(started) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_python_that_another_account_may_write_is_never_started(program: Program, started: list[Any]) -> None:
    os.chown(bench_python(program).parent, 4242, 4242)
    assert program.run() == 3
    assert started == []
