from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system import children
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.children import bound_command, find_program
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_program_on_the_path_or_in_a_folder_of_servers_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = tmp_path / "some-server"
    server.touch(mode=0o755)
    monkeypatch.setattr(children, "SERVER_FOLDERS", (str(tmp_path),))
    assert find_program("some-server", "some-package") == str(server)
    assert find_program("sh", "dash").endswith("/sh")


def test_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(LifeboatError, match=r"no-such-server.*some-package") as caught:
        find_program("no-such-server", "some-package")
    assert caught.value.error_code == "command_missing"


def test_child_gets_its_arguments_as_they_are() -> None:
    arguments = ["two  words", "$HOME", "'", ""]
    command = bound_command([sys.executable, "-c", "import sys; print(sys.argv[1:])", *arguments])
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == f"{arguments}\n"


def test_exit_code_of_the_child_is_the_commands() -> None:
    assert subprocess.run(bound_command(["sh", "-c", "exit 7"]), check=False).returncode == 7


def test_nothing_starts_when_the_parent_is_another_one_by_now(tmp_path: Path) -> None:
    # A shell stands in for whatever adopts a child whose parent died before the kernel was asked to watch it.
    command = bound_command(["touch", str(tmp_path / "started")])
    subprocess.run(["sh", "-c", '"$@"; exit 0', "sh", *command], check=True)
    assert not (tmp_path / "started").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has powers to give up")
def test_powerless_child_of_root_has_no_capability() -> None:
    command = bound_command(["grep", "-E", "Cap(Prm|Eff|Bnd)", "/proc/self/status"], powerless=True)
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert {line.split()[1] for line in output.splitlines()} == {"0" * 16}
