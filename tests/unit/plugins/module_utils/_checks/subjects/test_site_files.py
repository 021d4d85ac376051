from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects import site_files

from tests.fake_site import NAME, NOW_SECONDS, FakeSite


@pytest.fixture
def fake(tmp_path: Path) -> FakeSite:
    fake = FakeSite(tmp_path)
    for name in ("public/files/a b.txt", "private/files/deep/c.txt"):
        fake.write(f"sites/{NAME}/{name}", "12345")
    fake.answers["tabFile"] = [("/files/a%20b.txt", None), ("/private/files/deep/c.txt", "/files/a b.txt")]
    return fake


def test_names_match_as_a_browser_writes_them(fake: FakeSite) -> None:
    findings = fake.look("F14")
    assert {finding.severity for finding in findings.values()} == {"ok"}
    assert findings["unknown files"].text == "0 of 2 files (10 bytes) are not known to any document"


def test_links_are_not_followed(fake: FakeSite, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").touch()
    (fake.site.public_files / "link").symlink_to(outside)
    (fake.site.public_files / "other link").symlink_to(outside / "secret.txt")
    assert "of 2 files" in fake.look("F14")["unknown files"].text


def test_file_of_today_is_not_yet_unknown(fake: FakeSite) -> None:
    path = fake.write(f"sites/{NAME}/public/files/new.txt", "")
    for age_seconds, severity in ((3600, "ok"), (90000, "warning")):
        os.utime(path, (NOW_SECONDS - age_seconds,) * 2)
        assert fake.look("F14")["unknown files"].severity == severity


def test_more_files_than_can_be_compared_are_unknown(fake: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.answers["tabFile"] *= 2
    monkeypatch.setattr(site_files, "MOST_FILES", 3)
    assert fake.look("F14")[""].text == "the site has more than 3 documents of File"
    monkeypatch.setattr(site_files, "MOST_FILES", 1)
    assert fake.look("F14")[""].text == "the site has more than 1 files"


def test_folder_that_is_no_folder_is_unknown(fake: FakeSite) -> None:
    (fake.site.public_files / "a b.txt").unlink()
    fake.site.public_files.rmdir()
    fake.site.public_files.touch()
    assert fake.look("F14")[""].severity == "unknown"


def test_site_without_files_is_right(tmp_path: Path) -> None:
    assert {finding.severity for finding in FakeSite(tmp_path).look("F14").values()} == {"ok"}
