"""The checks of a bench that read nothing but files: its assets and the configuration of its services."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fake_site import FakeSite


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ('{"a.js": "/assets/app/a.js"}', "ok"),
        ('{"a.js": "/assets/app/a.js", "b.js": "/assets/app/b.js"}', "warning"),
        ("[]", "unknown"),
        ("{", "unknown"),
    ],
)
def test_bundles_that_pages_ask_for_are_there(tmp_path: Path, text: str, severity: str) -> None:
    fake = FakeSite(tmp_path)
    assert fake.look_at_bench("F17")[""].severity == "critical"
    fake.write("sites/assets/assets.json", text)
    fake.write("sites/assets/app/a.js", "")
    assert fake.look_at_bench("F17")[""].severity == severity


def test_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.write("sites/assets/assets.json", "{}").with_name("gone").symlink_to(tmp_path / "nowhere")
    assert fake.look_at_bench("F17")[""].evidence == ("the link gone leads nowhere",)


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
