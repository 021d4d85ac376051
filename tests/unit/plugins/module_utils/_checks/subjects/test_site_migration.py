from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_migration import app_patches

from tests.fake_site import NOW_SECONDS, FakeSite

NEW_STYLE = """[pre_model_sync]
frappe.patches.v12_0.remove #24-02-2020
; a note

[post_model_sync]
execute:frappe.delete_doc("Page", "old") # why
finally:frappe.patches.v14_0.last
"""


def test_patches_are_named_as_they_are_logged(tmp_path: Path) -> None:
    path = tmp_path / "patches.txt"
    assert app_patches(path) == []
    path.write_text(NEW_STYLE)
    assert app_patches(path) == [
        "frappe.patches.v12_0.remove #24-02-2020",
        'execute:frappe.delete_doc("Page", "old") # why',
        "frappe.patches.v14_0.last",
    ]
    path.unlink()
    path.mkdir()
    with pytest.raises(UnmeasurableError):
        app_patches(path)


@pytest.fixture
def fake(tmp_path: Path) -> FakeSite:
    fake = FakeSite(tmp_path)
    fake.write("apps/frappe/frappe/__init__.py", '__version__ = "15.1.0"')
    fake.write("apps/frappe/frappe/patches.txt", "a.b\nc.d\n")
    fake.answers["installed_apps"] = [('["frappe"]',)]
    fake.answers["information_schema.COLUMNS"] = [("patch",), ("skipped",)]
    fake.answers["SELECT patch, skipped"] = [("a.b", 0), ("c.d", 0)]
    fake.answers["Installed Application"] = [("frappe", "15.1.0")]
    return fake


def test_pending_patch_turns_critical_an_hour_after_the_deployment(fake: FakeSite) -> None:
    assert fake.look("F04")[""].severity == "ok"
    fake.answers["SELECT patch, skipped"] = [("a.b", 0), ("c.d", 1)]
    for age_seconds, severity in ((600, "warning"), (3700, "critical")):
        for path in fake.bench.path.glob("apps/frappe/frappe/*"):
            os.utime(path, (NOW_SECONDS - age_seconds,) * 2)
        finding = fake.look("F04")[""]
        assert (finding.severity, finding.evidence) == (severity, ("frappe: c.d (skipped)",))


def test_patch_that_was_skipped_and_then_ran_is_done(fake: FakeSite) -> None:
    fake.answers["SELECT patch, skipped"] = [("a.b", 0), ("c.d", 1), ("c.d", 0)]
    assert fake.look("F04")[""].severity == "ok"


def test_old_version_logs_no_skipped_patches(fake: FakeSite) -> None:
    fake.answers["information_schema.COLUMNS"] = [("patch",)]
    fake.answers["SELECT patch, 0"] = [("a.b", 0)]
    assert fake.look("F04")[""].value == 1


def test_site_that_was_never_migrated_has_no_other_version(fake: FakeSite) -> None:
    fake.answers["Installed Application"] = [("frappe", "15.0.0")]
    assert fake.look("F04")[""].value == 1
    fake.answers["Installed Application"] = []
    assert fake.look("F04")[""].value == 0
