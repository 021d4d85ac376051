from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_services import INSTALLED

from tests.fake_site import FakeSite


def test_bench_without_services_has_no_drift(tmp_path: Path) -> None:
    assert FakeSite(tmp_path).look_at_bench("F18")[""].severity == "skipped"


def test_copies_and_ports_are_compared(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.write("sites/common_site_config.json", '{"redis_cache": "redis://:secret@127.0.0.1:13000"}')
    fake.write("config/redis_cache.conf", "port 13000\n")
    written = fake.write("config/nginx.conf", "server {}\n")
    installed = tmp_path / "etc" / "nginx" / "conf.d" / "frappe-bench.conf"
    installed.parent.mkdir(parents=True)
    installed.write_text(written.read_text())
    assert fake.look_at_bench("F18")[""].text == "2 files are as the bench says"
    installed.write_text("server { listen 81; }\n")
    fake.write("config/redis_cache.conf", "port 13001\n")
    finding = fake.look_at_bench("F18")[""]
    assert (finding.severity, finding.value) == ("warning", 2)
    assert "secret" not in finding.text


@pytest.mark.parametrize(("name", "place"), [(name, place) for name, places in INSTALLED.items() for place in places])
def test_copy_is_looked_for_in_each_place(tmp_path: Path, name: str, place: str) -> None:
    fake = FakeSite(tmp_path)
    fake.write(f"config/{name}", "written")
    installed = tmp_path / place.format(bench="frappe-bench")
    installed.parent.mkdir(parents=True)
    installed.write_text("edited")
    assert fake.look_at_bench("F18")[""].text == f"/{place.format(bench='frappe-bench')} differs from config/{name}"
    installed.unlink()
    installed.symlink_to(fake.bench.path / "config" / name)
    assert fake.look_at_bench("F18")[""].severity == "ok"
