from __future__ import annotations

import json
import os

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.set_lock import (
    LOCK_NAME,
    backup_lock,
    folder_lock,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_the_second_is_refused_and_told_who_holds_it(tmp_path):
    folder = tmp_path / "sites/a.b"
    with backup_lock(folder):
        with pytest.raises(LifeboatError) as failure, backup_lock(folder):
            pass
        assert failure.value.error_code == "backup_running"
        assert failure.value.details["holder"]["pid"] == os.getpid()
        assert f"process {os.getpid()} on " in failure.value.message
    with backup_lock(folder):
        pass
    assert folder.stat().st_mode & 0o777 == 0o700


def test_it_is_free_again_after_an_error(tmp_path):
    with pytest.raises(KeyError), backup_lock(tmp_path):
        raise KeyError
    with backup_lock(tmp_path):
        assert json.loads((tmp_path / LOCK_NAME).read_text())["pid"] == os.getpid()
    assert (tmp_path / LOCK_NAME).read_text() == ""


def test_a_holder_that_has_not_said_who_it_is_yet(tmp_path):
    with backup_lock(tmp_path):
        (tmp_path / LOCK_NAME).write_text("")
        with pytest.raises(LifeboatError, match="just starting or ending"), backup_lock(tmp_path):
            pass


def test_others_say_it_in_their_own_words(tmp_path):
    def refusal(who, _holder):
        return LifeboatError(f"not now: {who}", "backup_running")

    with (
        folder_lock(tmp_path, refusal),
        pytest.raises(LifeboatError, match="not now: process"),
        folder_lock(tmp_path, refusal),
    ):
        pass
