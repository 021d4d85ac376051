from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.plan import (
    BackupPlan,
    Sizes,
    check_space,
    dump_bytes,
    needed_bytes,
    why_needed,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import set_of_manifest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.sets import BROKEN, Artifact
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import manifest_of

NOW = datetime(2026, 11, 21, 4, 0, 0, tzinfo=timezone.utc)
DATABASE = "_e36ee74f4521c089"
SIZES = Sizes(dump_bytes=10, table_bytes=100, files_bytes=1000)


def newest(**changes):
    manifest = manifest_of("20261121_030000-a_b", recovery_point="2026-11-21T03:00:00Z", **changes)
    return set_of_manifest(Path("/nowhere"), replace(manifest, files=()))


@pytest.mark.parametrize(
    ("backup", "kinds", "encryption", "max_age_seconds", "reason"),
    [
        (None, ["logical"], "", 3601, "There is no set yet."),
        (newest(), ["logical"], "", 3601, ""),
        (newest(), ["logical"], "", 3600, "is 3600 seconds old; 3600 are allowed."),
        (newest(), ["logical"], "", 0, "is 3600 seconds old; 0 are allowed."),
        (replace(newest(), verdict=BROKEN), ["logical"], "", 3601, "is broken."),
        (newest(), ["logical", "physical"], "", 3601, "is logical only."),
        (newest(kinds=("logical", "physical")), ["physical"], "", 3601, ""),
        (newest(), ["logical"], "age", 3601, "is not encrypted."),
        (newest(encryption="gpg"), ["logical"], "", 3601, "is gpg encrypted."),
        (newest(encryption="gpg"), ["logical"], "gpg", 3601, ""),
        (newest(database="_other"), ["logical"], "", 3601, "from before the site was recovered into another database."),
    ],
)
def test_whether_a_set_is_needed(backup, kinds, encryption, max_age_seconds, reason):
    said = why_needed(backup, DATABASE, kinds, encryption, max_age_seconds, NOW)
    assert said.endswith(reason)
    assert bool(said) is bool(reason)


def test_a_set_of_the_future_is_not_new_enough():
    said = why_needed(newest(), DATABASE, ["logical"], "", 10**9, NOW - timedelta(hours=2))
    assert said.endswith("of a time that is still to come: the clock was set back.")


def test_a_dump_takes_what_the_last_one_took_or_half_of_the_data():
    dump = Artifact("database", Path("/d"), 4000, False, 0o600, 0.0)
    physical, logical = replace(newest(), artifacts=()), replace(newest(), artifacts=(dump,))
    assert dump_bytes(1_000_000, []) == dump_bytes(1_000_000, [physical]) == 500_000
    assert dump_bytes(1_000_000, [physical, logical]) == 5000


@pytest.mark.parametrize(
    ("kinds", "archived", "expected"),
    [
        (["logical"], False, 1010),
        (["physical"], False, 1100),
        (["physical"], True, 1200),
        (["logical", "physical"], False, 1210),
        (["logical", "physical"], True, 1210),
    ],
)
def test_what_a_backup_takes_at_its_peak(kinds, archived, expected):
    assert needed_bytes(SIZES, kinds, archived) == expected


def test_a_backup_without_room_is_refused():
    check_space("a.b", "/r", 50, 100, 50)
    with pytest.raises(LifeboatError) as failure:
        check_space("a.b", "/r", 51, 100, 50)
    assert failure.value.error_code == "disk_space"
    assert failure.value.details == {"needed_bytes": 51, "free_bytes": 100, "reserve_bytes": 50}


def test_a_plan_is_shown_as_json_values():
    plan = BackupPlan(True, "There is no set yet.", ("logical",), "", ("x.incomplete",), 1, 2)
    assert plan.as_dict() == {
        "needed": True,
        "reason": "There is no set yet.",
        "kinds": ["logical"],
        "newest": "",
        "removes": ["x.incomplete"],
        "needed_bytes": 1,
        "free_bytes": 2,
    }
