"""The programs that a host runs without Ansible, as one file each."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.packed_program import (
    ENTRIES,
    MODULE_UTILS,
    packed_program,
)

NAME = "lifeboat-health"


def members(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_it_holds_the_code_once_and_nothing_that_knows_ansible(name: str) -> None:
    packed = members(packed_program(name, "/usr/bin/python3"))
    sources = {
        f"lifeboat_code/{path.relative_to(MODULE_UTILS)}": path.read_text() for path in MODULE_UTILS.rglob("*.py")
    }
    del sources["lifeboat_code/_module.py"]
    assert {name: packed[name] for name in sources} == sources
    assert set(packed) - set(sources) == {"__main__.py", "lifeboat_code/__init__.py"}
    assert not [name for name, text in packed.items() if "import ansible" in text or "from ansible" in text]


def test_same_code_gives_the_same_bytes() -> None:
    assert packed_program(NAME, "/usr/bin/python3") == packed_program(NAME, "/usr/bin/python3")
    assert packed_program(NAME, "/opt/python").startswith(b"#!/opt/python\n")


@pytest.mark.parametrize("isolated", [[], ["-I"]], ids=["as usual", "isolated"])
def test_it_runs_without_the_collection(tmp_path: Path, isolated: list[str]) -> None:
    program = tmp_path / "lifeboat-health"
    program.write_bytes(packed_program(NAME, sys.executable))
    configuration = tmp_path / "health.json"
    configuration.write_text('{"checks": ["A01"], "search_paths": ["/none"]}')
    done = subprocess.run(
        [sys.executable, *isolated, str(program), "--configuration", str(configuration)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.stdout.startswith("LIFEBOAT UNKNOWN: 1 skipped") or "nothing was checked" in done.stdout, done.stderr
    assert done.returncode == 3


def test_program_of_the_debug_mode_has_nothing_to_do_where_none_is_on(tmp_path: Path) -> None:
    program = tmp_path / "lifeboat-debug"
    program.write_bytes(packed_program("lifeboat-debug", sys.executable))
    done = subprocess.run(
        [sys.executable, str(program), "--state-path", str(tmp_path / "state")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
