"""``applying`` and ``file_errors``: the file of options as a file. What happens to a server is for a real one."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.applying import (
    read_file,
    write_file,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.file_errors import writing
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.plan import SettingsPlan
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def plan(before: str | None, after: str | None) -> SettingsPlan:
    return SettingsPlan(before, after, {}, {}, {})


def test_new_file_is_for_the_server_to_read_and_a_present_one_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "90.cnf"
    assert read_file(path) is None
    write_file(path, plan(None, "a"))
    assert (read_file(path), stat.S_IMODE(path.stat().st_mode)) == ("a", 0o644)
    path.chmod(0o640)
    write_file(path, plan("a", "b"))
    assert (read_file(path), stat.S_IMODE(path.stat().st_mode)) == ("b", 0o640)
    write_file(path, plan("b", None))
    assert read_file(path) is None
    write_file(path, plan("b", None))


def test_what_a_kill_left_beside_the_file_goes(tmp_path: Path) -> None:
    (tmp_path / ".90.cnf.x7").write_text("half")
    write_file(tmp_path / "90.cnf", plan(None, "a"))
    assert [path.name for path in tmp_path.iterdir()] == ["90.cnf"]


def test_file_that_is_as_it_should_be_is_not_written(tmp_path: Path) -> None:
    write_file(tmp_path / "nowhere" / "90.cnf", plan("a", "a"))


@pytest.mark.parametrize("after", ["a", None], ids=["write", "remove"])
def test_folder_that_is_not_there_is_named(tmp_path: Path, after: str | None) -> None:
    path = tmp_path / "nowhere" / "90.cnf"
    with pytest.raises(LifeboatError, match="No such file or directory") as refused:
        write_file(path, plan("b", after))
    assert refused.value.error_code == "settings_unwritable"
    assert str(path) in refused.value.message


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "disk_space"), (errno.EDQUOT, "disk_space"), (errno.EROFS, "settings_unwritable")],
)
def test_system_errors_say_what_to_do(tmp_path: Path, number: int, code: str) -> None:
    with pytest.raises(LifeboatError, match="The settings are as they were") as told, writing(tmp_path):
        raise OSError(number, "text")
    assert told.value.error_code == code
