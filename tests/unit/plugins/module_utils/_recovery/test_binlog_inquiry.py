"""How the times of an inquiry are read; the rest is shown with the module."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_finder import Criteria
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import binlog_inquiry
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.binlog_inquiry import (
    Inquiry,
    inquire,
    read_moment,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_a_moment():
    assert read_moment("since", None) is None
    assert read_moment("since", "1970-01-01T05:30:07+05:30") == 7
    with pytest.raises(LifeboatError, match="Cannot read until: 'noon'") as caught:
        read_moment("until", "noon")
    assert caught.value.error_code == "recover_to_invalid"


def test_a_server_that_fails_otherwise_is_an_error(tmp_path, monkeypatch):
    def connect(_login):
        raise LifeboatError("The library is missing.", "library_missing")

    monkeypatch.setattr(binlog_inquiry, "connect", connect)
    with pytest.raises(LifeboatError) as caught:
        inquire(Inquiry(Repository(tmp_path), None, LoginOptions(), None, tmp_path, Criteria()), lambda: 0.0)
    assert caught.value.error_code == "library_missing"
