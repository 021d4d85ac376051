from __future__ import annotations

import os
import socket
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal, journals
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lifecycle import (
    Begun,
    Ending,
    begin_recovery,
    end_recovery,
    is_needed,
    refuse_promoted,
    unfinished_recovery,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lock import Holder, SiteLock
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion_state import INTENT, PROMOTE
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

SITE = "a.localhost"
NOW = datetime(2026, 11, 21, 4, 0, tzinfo=timezone.utc)
GONE = Holder("elsewhere.example.com", "anna", 1)
RECOVERED = Ending("recovered")


def plan(name: str = "set-1", live: str = "_old") -> dict[str, Any]:
    return {
        "site": SITE,
        "bench_path": "/bench",
        "procedure": "standard",
        "set": {"name": name, "folder": "/backups", "size_bytes": 1, "recovery_point": "2026-11-21T03:00:00Z"},
        "replaces": {"db_name": live, "maintenance_mode": False},
        "recovery_point": "2026-11-21T03:00:00Z",
        "checks": [],
        "keeps_until": "2026-11-28T04:00:00Z",
    }


class Cleaned(list):
    """Notes which recoveries were cleaned up."""

    def __call__(self, journal: Journal) -> None:
        self.append(journal.recovery)


def begin(state_path: Path, wanted: dict[str, Any], cleaned: Cleaned | None = None, holder: Holder = GONE) -> Begun:
    return begin_recovery(state_path, wanted, holder, 0, NOW, cleaned if cleaned is not None else Cleaned())


def promote(journal: Journal, database: str = "_new") -> None:
    journal.append("staging_database", "done", staging_database=database)
    intent = {"database": database, "replaced_database": "_old", "configuration": "valid", "trees": []}
    journal.append(INTENT, "done", intent=intent)
    journal.append(PROMOTE, "done", seconds=1.0)


def test_the_identifier_tells_when_and_is_new_each_time(tmp_path):
    first = begin(tmp_path, plan())
    assert first.recovery.startswith("20261121T040000Z-")
    assert begin(tmp_path, plan("set-2")).recovery != first.recovery


def test_an_unfinished_recovery_of_the_same_set_is_resumed_by_whoever_comes(tmp_path):
    first = begin(tmp_path, plan())
    assert unfinished_recovery(tmp_path, plan("set-2")) is None
    again = begin(tmp_path, plan(), holder=Holder(socket.gethostname(), "bert", os.getpid()))
    assert again == Begun(first.recovery, resumed=True)
    taken = [entry for entry in journals(tmp_path, SITE)[0].entries() if entry.event == "taken_over"]
    assert "anna" in taken[0].facts["previous"]


def test_an_unfinished_recovery_of_another_set_is_cleaned_up_and_recorded_as_failed(tmp_path):
    cleaned = Cleaned()
    first = begin(tmp_path, plan())
    second = begin(tmp_path, plan("set-2"), cleaned)
    assert cleaned == [first.recovery]
    record = Journal.open(tmp_path, SITE, first.recovery).fact("record")
    assert record["outcome"] == "failed"
    assert second.recovery in record["error"]["reason"]


def test_the_end_writes_one_record_and_gives_the_lock_back(tmp_path):
    journal = Journal.open(tmp_path, SITE, begin(tmp_path, plan()).recovery)
    cleaned = Cleaned()
    record = end_recovery(tmp_path, journal, RECOVERED, NOW, cleaned)
    assert end_recovery(tmp_path, journal, Ending("failed"), NOW, cleaned) == record
    assert cleaned == [journal.recovery]
    assert (journal.folder / "record.json").stat().st_mode & 0o777 == 0o600
    assert SiteLock(tmp_path, SITE).read() is None


def test_only_the_set_that_the_site_lives_from_needs_nothing(tmp_path):
    assert is_needed(tmp_path, plan())
    journal = Journal.open(tmp_path, SITE, begin(tmp_path, plan()).recovery)
    promote(journal)
    end_recovery(tmp_path, journal, RECOVERED, NOW, Cleaned())
    assert not is_needed(tmp_path, plan(live="_new"))
    assert is_needed(tmp_path, plan(live="_other"))
    assert is_needed(tmp_path, plan("set-2", live="_new"))


def test_what_is_or_may_be_live_is_not_thrown_away(tmp_path):
    journal = Journal.open(tmp_path, SITE, begin(tmp_path, plan()).recovery)
    refuse_promoted(journal)
    promote(journal)
    with pytest.raises(LifeboatError) as error:
        refuse_promoted(journal)
    assert error.value.error_code == "recovery_promoted"
