"""Which set a recovery would begin with, wherever it lies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import catalogue
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.point_in_time import lives_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.set_to_fetch import known_lives, set_to_fetch
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import SITE, write_repository_set

NAMES = [f"202611{day}_000000-site1_local" for day in (17, 18, 19)]
DATABASE = "_e36ee74f4521c089"
LIVES = lives_of([], DATABASE)


@pytest.fixture
def sets(tmp_path):
    """Three sets, at the transactions 10, 20 and 30; the newest one is off-site alone."""
    for number, name in enumerate(NAMES, 1):
        position = BinlogPosition(f"0-1-{number * 10}", "binlog.000001", number)
        write_repository_set(tmp_path / SITE, name, position=position, files={"d.sql.gz": ("database", b"dump")})
    newest, *others = catalogue([tmp_path / SITE], SITE)
    return [replace(newest, location="offsite", offsite={"snapshot": "s", "problem": ""}), *others]


@pytest.mark.parametrize(
    ("recover_to", "undo", "number"),
    [
        (None, None, 2),
        ("latest", None, 2),
        (NAMES[0], None, 0),
        ("2026-11-18T12:00:00Z", None, 1),
        ("2026-11-19T12:00:00Z", None, 2),
        ("before:0-1-15", None, 0),
        ("before:0-1-31", None, 2),
        (None, "0-1-25", 1),
    ],
    ids=str,
)
def test_it_is_the_base_of_the_recovery(sets, recover_to, undo, number):
    chosen = set_to_fetch(sets, recover_to, undo, LIVES)
    assert (chosen.name, chosen.location) == (NAMES[number], "offsite" if number == 2 else "local")


def test_where_no_set_leads_there_the_recovery_says_so(sets):
    assert set_to_fetch(sets, "before:0-1-5", None, LIVES) is None


def test_without_positions_a_moment_means_the_newest_set_before_it(sets):
    plain = [replace(backup, manifest=replace(backup.manifest, position=None)) for backup in sets]
    assert set_to_fetch(plain, "2026-11-18T12:00:00Z", None, LIVES).name == NAMES[1]


def test_nonsense_is_refused(sets):
    with pytest.raises(LifeboatError) as failure:
        set_to_fetch(sets, "yesterday", None, LIVES)
    assert failure.value.error_code == "recover_to_invalid"


def test_where_the_site_is_gone_its_sets_tell_its_database(sets, tmp_path):
    lives = known_lives(sets, SITE, str(tmp_path / "gone"), tmp_path / "state")
    assert [life.database for life in lives] == [DATABASE]
