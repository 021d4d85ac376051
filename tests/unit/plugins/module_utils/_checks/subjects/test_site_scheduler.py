from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_scheduler import stopping_switches
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.site import SiteTarget

from tests.check_runs import run_one
from tests.fake_site import NOW_SECONDS, FakeSite, unserved_port

HOUR = 3600


def aged(fake: FakeSite, hours: float) -> None:
    for path in (fake.site.config_path, fake.bench.common_config_path):
        os.utime(path, (NOW_SECONDS - hours * HOUR,) * 2)


def test_place_of_each_switch_is_named(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.configure(db_name="_1", maintenance_mode="1", pause_scheduler=0)
    fake.write("sites/common_site_config.json", '{"pause_scheduler": 1, "disable_scheduler": true}')
    fake.answers["System Settings"] = []
    aged(fake, 3)
    finding = fake.look("F05")[""]
    assert (finding.severity, finding.value) == ("critical", 3)
    assert finding.text == (
        "no scheduled job runs: maintenance_mode in site_config.json, disable_scheduler in common_site_config.json, "
        "enable_scheduler = 0 in System Settings"
    )


def test_pause_of_the_bench_counts_from_its_file(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.write("sites/common_site_config.json", '{"pause_scheduler": 1}')
    aged(fake, 1)
    assert fake.look("F05")[""].severity == "warning"
    assert fake.look("F12")["pause_scheduler"].value == HOUR
    aged(fake, 3)
    assert fake.look("F05")[""].severity == "critical"
    assert fake.look("F12")["pause_scheduler"].severity == "warning"
    assert fake.look("F12")["maintenance_mode"].severity == "ok"


def test_file_that_vanishes_makes_the_age_unknown(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.configure(maintenance_mode=1)
    target = fake.site_target()
    assert target.configuration
    fake.site.config_path.unlink()
    assert [finding.severity for finding in run_one("F12", target)] == ["unknown"]


def test_only_what_is_on_stops_the_scheduler(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.configure(maintenance_mode=0, pause_scheduler=False, disable_scheduler="0")
    assert stopping_switches(fake.site_target()) == []
    fake.write("sites/common_site_config.json", '{"maintenance_mode": 1}')
    assert stopping_switches(fake.site_target()) == []
    fake.answers["System Settings"] = [("enable_scheduler", "0")]
    assert [switch.name for switch in stopping_switches(fake.site_target())] == ["enable_scheduler = 0"]


def test_switch_in_a_file_is_found_while_the_database_is_down(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    with unserved_port() as port:
        for is_disabled, severity in ((0, "unknown"), (1, "critical")):
            fake.configure(db_port=port, disable_scheduler=is_disabled)
            ready = fake.site_target()
            target = SiteTarget(ready.site, ready.bench, ready.surroundings)
            assert [finding.severity for finding in run_one("F05", target)] == [severity]
