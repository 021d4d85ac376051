"""Faults of what a site and its bench have on disk: configuration, key, apps, assets, permissions, services."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import read_history, remember_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.site import SiteTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute
from cryptography.fernet import Fernet

from tests.changed_files import changed_configuration, changed_file
from tests.check_runs import LONG_PATIENCE, run_one
from tests.fake_realtime import RealtimeServer
from tests.lab import Lab

SITE = "alpha.localhost"
SiteTargets = Callable[..., SiteTarget]
BenchTargets = Callable[..., BenchTarget]


@pytest.fixture
def look(site_target: SiteTargets) -> Callable[..., Finding]:
    """Run a check on the site as it is now, and return its only finding."""

    def look_once(check_id: str, **changes: Any) -> Finding:
        (finding,) = run_one(check_id, site_target(SITE, **changes))
        return finding

    return look_once


@pytest.mark.check("F01")
def test_broken_incomplete_and_misspelt_configuration_is_found(lab: Lab, look: Any) -> None:
    path = lab.site_path(SITE) / "site_config.json"
    assert look("F01").severity == "ok"
    with changed_file(path, '{"db_name": "secret'):
        assert look("F01").severity == "critical"
    with changed_configuration(lab, SITE, "db_password"):
        assert look("F01").severity == "critical"
    with changed_configuration(lab, SITE, maintenace_mode=1, db_port="not a port", openai_api_key="x"):
        finding = look("F01")
        assert finding.severity == "warning"
        assert finding.text == "db_port is not a number; maintenace_mode is no setting: maintenance_mode may be meant"
    with changed_file(lab.sites_path / "common_site_config.json", "[]"):
        (finding,) = run_one("F01", SiteTarget(*_parts(lab)))
        assert finding.severity == "critical"
    assert look("F01").severity == "ok"


def _parts(lab: Lab) -> tuple[Any, BenchTarget, Surroundings]:
    bench, surroundings = Bench(lab.bench_path), Surroundings(patience=LONG_PATIENCE)
    return bench.site(SITE), BenchTarget(bench, surroundings), surroundings


@pytest.mark.check("F02")
def test_missing_damaged_and_wrong_key_is_found(lab: Lab, look: Any) -> None:
    other = Fernet.generate_key().decode()
    assert look("F02").severity == "ok"
    with changed_configuration(lab, SITE, "encryption_key"):
        finding = look("F02")
        assert finding.severity == "critical"
        assert "the key is missing" in finding.text
        assert "encryption_key" not in lab.site_config(SITE)
    for key in (other, "no key at all"):
        with changed_configuration(lab, SITE, encryption_key=key):
            finding = look("F02")
            assert finding.severity == "critical"
            assert key not in finding.text
    assert look("F02").severity == "ok"


@pytest.mark.check("F02")
def test_key_that_differs_from_the_last_run_is_found(lab: Lab, look: Any, tmp_path: Path) -> None:
    with lab.connect(SITE) as connection:
        execute(connection, "CREATE TABLE kept SELECT * FROM `__Auth` WHERE encrypted = 1")
        remember_run(tmp_path, 0, [look("F02")], {})
        with changed_configuration(lab, SITE, encryption_key=(key := Fernet.generate_key()).decode()):
            execute(connection, "UPDATE `__Auth` SET password = %s WHERE encrypted = 1", (Fernet(key).encrypt(b"x"),))
            assert look("F02").severity == "ok"
            assert look("F02", history=read_history(tmp_path)).severity == "warning"
            sealed = Fernet(Fernet.generate_key()).encrypt(b"older")
            execute(connection, "INSERT INTO `__Auth` VALUES ('User', 'old', 'api_secret', %s, 1)", (sealed,))
            assert look("F02").severity == "warning"
        execute(connection, "DELETE FROM `__Auth` WHERE encrypted = 1")
        execute(connection, "INSERT INTO `__Auth` SELECT * FROM kept")
        execute(connection, "DROP TABLE kept")
    assert look("F02", history=read_history(tmp_path)).severity == "ok"


@pytest.mark.check("F03")
def test_lost_and_half_removed_app_is_found(lab: Lab, look: Any) -> None:
    folder = lab.bench_path / "apps" / "erpnext"
    assert look("F03").severity == "ok"
    shutil.move(folder, lab.folder / "erpnext")
    finding = look("F03")
    assert finding.severity == "critical"
    assert "erpnext is installed on the site and not in the bench" in finding.text
    shutil.move(lab.folder / "erpnext", folder)
    with changed_file(lab.bench_path / "apps" / "extra" / "extra" / "__init__.py", ""):
        assert look("F03").severity == "warning"
    shutil.rmtree(lab.bench_path / "apps" / "extra")
    assert look("F03").severity == "ok"


@pytest.mark.check("F04")
def test_pending_patch_and_newer_code_are_found(lab: Lab, look: Any) -> None:
    patches = lab.bench_path / "apps" / "erpnext" / "erpnext" / "patches.txt"
    initial = patches.with_name("__init__.py")
    assert look("F04").severity == "ok"
    old, last = "erpnext.patches.v15_0.old #2", "erpnext.patches.last"
    listed = f"[pre_model_sync]\n# a note\n{old}\n[post_model_sync]\nfinally:{last}\n"
    with changed_file(patches, listed), lab.connect(SITE) as connection:
        insert = "INSERT INTO `tabPatch Log` (name, patch, skipped) VALUES (%s, %s, %s)"
        execute(connection, insert, (old, old, 1))
        execute(connection, insert, (last, last, 0))
        finding = look("F04")
        assert (finding.severity, finding.value) == ("warning", 1)
        assert finding.evidence == (f"erpnext: {old} (skipped)",)
        for path in lab.bench_path.glob("apps/*/*/*"):
            os.utime(path, (0, 0))
        assert look("F04").severity == "critical"
        execute(connection, "UPDATE `tabPatch Log` SET skipped = 0 WHERE name LIKE 'erpnext.patches%'")
        assert look("F04").severity == "ok"
        execute(connection, "DELETE FROM `tabPatch Log` WHERE name LIKE 'erpnext.patches%'")
    with changed_file(initial, '__version__ = "15.99.0"\n'):
        finding = look("F04")
        assert finding.severity == "warning"
        assert "erpnext 15.99.0: the site was migrated to 15.53.3" in finding.evidence
    assert look("F04").severity == "ok"


@pytest.mark.check("F11")
def test_settings_for_development_are_found(lab: Lab, look: Any) -> None:
    assert look("F11").severity == "ok"
    with changed_configuration(lab, SITE, allow_tests=True, live_reload=True):
        assert look("F11").severity == "warning"
    with changed_configuration(lab, SITE, developer_mode=1):
        assert look("F11").severity == "critical"
    with changed_file(lab.sites_path / "common_site_config.json", '{"ignore_csrf": 1}'):
        (finding,) = run_one("F11", SiteTarget(*_parts(lab)))
        assert finding.severity == "critical"
    assert look("F11").severity == "ok"


@pytest.fixture
def open_site() -> Iterator[SiteTarget]:
    """A site's folder that every user can reach, unlike those below the folder of a test."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        bench = Bench(Path(folder))
        site = bench.site(SITE)
        (site.path / "private").mkdir(parents=True)
        site.config_path.write_text("{}")
        site.config_path.chmod(0o640)
        surroundings = Surroundings(patience=LONG_PATIENCE)
        yield SiteTarget(site, BenchTarget(bench, surroundings), surroundings)


@pytest.mark.check("F15")
def test_open_permissions_are_found(open_site: SiteTarget) -> None:
    for mode, severity in ((0o640, "ok"), (0o644, "critical"), (0o642, "critical"), (0o660, "warning"), (0o600, "ok")):
        open_site.site.config_path.chmod(mode)
        assert [finding.severity for finding in run_one("F15", open_site)] == [severity]
    open_site.site.config_path.chmod(0o644)
    open_site.site.path.chmod(0o750)
    assert [finding.severity for finding in run_one("F15", open_site)] == ["ok"]


@pytest.mark.check("F15")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_foreign_owner_is_found(open_site: SiteTarget) -> None:
    os.chown(open_site.site.path / "private", 1, 1)
    (finding,) = run_one("F15", open_site)
    assert finding.severity == "warning"
    assert finding.evidence == (str(open_site.site.path / "private"),)
    os.chown(open_site.site.path / "private", 0, 0)
    assert [finding.severity for finding in run_one("F15", open_site)] == ["ok"]


@pytest.mark.check("F17")
def test_lost_bundle_link_and_list_are_found(lab: Lab, bench_target: BenchTargets) -> None:
    def severity() -> str:
        (finding,) = run_one("F17", bench_target())
        return finding.severity

    assets = lab.sites_path / "assets"
    bundle = assets / "frappe" / "dist" / "desk.bundle.js"
    assert severity() == "ok"
    content = bundle.read_text()
    bundle.unlink()
    assert severity() == "warning"
    bundle.write_text(content)
    (assets / "gone").symlink_to(assets / "nowhere")
    assert severity() == "warning"
    (assets / "gone").unlink()
    with changed_file(assets / "assets.json", "[broken"):
        assert severity() == "unknown"
    (assets / "assets.json").rename(assets / "kept.json")
    assert severity() == "critical"
    (assets / "kept.json").rename(assets / "assets.json")
    assert severity() == "ok"


@pytest.mark.check("F18")
def test_configuration_that_is_not_in_force_is_found(lab: Lab, bench_target: BenchTargets, tmp_path: Path) -> None:
    def look_at(**changes: Any) -> Finding:
        (finding,) = run_one("F18", bench_target(**changes))
        return finding

    config = lab.bench_path / "config"
    assert look_at().severity == "ok"
    with changed_file(config / "redis_queue.conf", "port 1\n"):
        assert look_at().severity == "warning"
    installed = tmp_path / "etc" / "supervisor" / "conf.d" / "frappe-bench.conf"
    with changed_file(installed, "[program:edited by hand]\n"):
        finding = look_at(root=tmp_path)
        assert finding.severity == "warning"
        assert finding.text == "/etc/supervisor/conf.d/frappe-bench.conf differs from config/supervisor.conf"
    installed.symlink_to(config / "supervisor.conf")
    assert look_at(root=tmp_path).severity == "ok"


@pytest.mark.check("F19")
def test_realtime_server_that_does_not_answer_is_found(lab: Lab, bench_target: BenchTargets) -> None:
    """A stand-in answers for the realtime server, which needs Node."""

    def look_at() -> dict[str, str]:
        return {finding.item: finding.severity for finding in run_one("F19", bench_target())}

    assert look_at() == {"": "skipped"}
    path = lab.sites_path / "common_site_config.json"
    with RealtimeServer() as server:
        configuration = path.read_text().replace("{", f'{{"socketio_port": {server.port},', 1)
        with changed_file(path, configuration):
            assert look_at() == {"polling": "ok", "websocket": "ok"}
            server.speaks_websocket = False
            assert look_at() == {"polling": "ok", "websocket": "warning"}
            server.speaks_websocket = True
            assert look_at() == {"polling": "ok", "websocket": "ok"}
            server.stop()
            assert look_at() == {"polling": "warning", "websocket": "warning"}


@pytest.mark.check("F20")
def test_version_at_its_end_is_found(lab: Lab, bench_target: BenchTargets) -> None:
    def severity(item: str, **changes: Any) -> str:
        return {finding.item: finding.severity for finding in run_one("F20", bench_target(**changes))}[item]

    initial = lab.bench_path / "apps" / "frappe" / "frappe" / "__init__.py"
    in_2027 = datetime(2027, 9, 1, tzinfo=timezone.utc).timestamp()
    assert severity("frappe") == "ok"
    assert severity("frappe", now=lambda: in_2027) == "warning"
    for version, expected in (("13.2.0", "critical"), ("99.0.0", "unknown")):
        with changed_file(initial, f'__version__ = "{version}"\n'):
            assert severity("frappe") == expected
    assert severity("frappe") == "ok"
