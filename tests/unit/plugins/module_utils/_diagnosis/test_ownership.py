"""Files of root in the folder of somebody else's bench: these tests need root to make them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench, Site
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.ownership import (
    can_be_read_by,
    correct_ownership,
)

OTHER = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    bench = tmp_path / "frappe-bench"
    (bench / "sites" / "a.example" / "private").mkdir(parents=True)
    (bench / "logs").mkdir()
    for name in ("sites/a.example/site_config.json", "sites/a.example/private/x", "logs/frappe.log", "logs/web.log"):
        (bench / name).write_text("{}")
    (bench / "sites/a.example/site_config.json").chmod(0o640)
    return Bench(bench).site("a.example")


def give_away(site: Site) -> None:
    for path in (site.bench.path, *site.bench.path.rglob("*")):
        os.chown(path, OTHER, OTHER, follow_symlinks=False)


def test_configuration_that_others_may_read_is_closed(site: Site) -> None:
    assert correct_ownership(site, apply=False) == []
    site.config_path.chmod(0o666)
    (planned,) = correct_ownership(site, apply=False)
    assert (planned.before, planned.after) == ("mode 0666", "mode 0640")
    assert site.config_path.stat().st_mode & 0o777 == 0o666
    assert correct_ownership(site, apply=True) == [planned]
    assert site.config_path.stat().st_mode & 0o777 == 0o640
    assert correct_ownership(site, apply=True) == []


def test_configuration_that_its_owner_may_not_read_is_opened_to_him(site: Site) -> None:
    site.config_path.chmod(0o040)
    assert [each.after for each in correct_ownership(site, apply=True)] == ["mode 0440"]


def test_configuration_that_is_a_link_or_missing_is_left(site: Site, tmp_path: Path) -> None:
    site.config_path.unlink()
    assert correct_ownership(site, apply=True) == []
    elsewhere = tmp_path / "shadow"
    elsewhere.write_text("")
    elsewhere.chmod(0o644)
    site.config_path.symlink_to(elsewhere)
    assert correct_ownership(site, apply=True) == []
    assert elsewhere.stat().st_mode & 0o777 == 0o644


@needs_root
def test_what_root_left_goes_back_to_the_bench(site: Site) -> None:
    give_away(site)
    assert correct_ownership(site, apply=False) == []
    for name in ("sites/a.example/private/x", "logs/frappe.log", "logs/web.log"):
        os.chown(site.bench.path / name, 0, 0)
    wanted = {str(site.path / "private/x"), str(site.bench.path / "logs/frappe.log")}
    assert {each.path for each in correct_ownership(site, apply=False)} == wanted
    assert (site.path / "private/x").stat().st_uid == 0
    assert {each.path for each in correct_ownership(site, apply=True)} == wanted
    assert (site.path / "private/x").stat().st_uid == OTHER
    assert (site.bench.path / "logs/web.log").stat().st_uid == 0, "it belongs to who manages the service"


@needs_root
def test_links_and_second_names_lead_nowhere(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("")
    give_away(site)
    (site.path / "link").symlink_to(folder)
    os.link(secret, site.path / "second")
    correct_ownership(site, apply=True)
    assert secret.stat().st_uid == folder.stat().st_uid == (folder / "file").stat().st_uid == 0


@needs_root
def test_missing_folders_are_no_fault(site: Site) -> None:
    give_away(site)
    (site.bench.path / "logs").rename(site.bench.path / "logs-away")
    assert correct_ownership(site, apply=True) == []


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "is_readable"),
    [
        (0o600, 1000, 1000, True),
        (0o000, 1000, 1000, False),
        (0o640, 0, 1000, True),
        (0o600, 0, 1000, False),
        (0o604, 0, 0, True),
        (0o640, 0, 0, False),
    ],
)
def test_who_may_read(mode: int, uid: int, gid: int, is_readable: bool) -> None:
    status = os.stat_result((mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))
    assert can_be_read_by((1000, 1000), status) is is_readable
    assert can_be_read_by((0, 0), status)
