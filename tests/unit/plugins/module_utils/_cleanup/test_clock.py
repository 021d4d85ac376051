"""A clock that is ahead judges no ages."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.clock import refuse_clock_ahead
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_clock_that_jumped_ahead_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    now = time.time()
    refuse_clock_ahead(now, [tmp_path, tmp_path / "none"])
    refuse_clock_ahead(now - 10 * 86400, [tmp_path])
    with pytest.raises(LifeboatError, match=r"the clock is 3\.0 days ahead") as refused:
        refuse_clock_ahead(now + 3 * 86400 + 60, [tmp_path])
    assert refused.value.error_code == "clock_ahead"


def test_host_without_witnesses_is_believed(tmp_path: Path) -> None:
    refuse_clock_ahead(time.time() + 10**8, [tmp_path / "none"])


def test_this_host_has_witnesses() -> None:
    refuse_clock_ahead(time.time())
    with pytest.raises(LifeboatError):
        refuse_clock_ahead(time.time() + 10**8)
