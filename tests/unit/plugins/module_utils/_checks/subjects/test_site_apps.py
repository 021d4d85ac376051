from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_apps import environment_packages

from tests.fake_site import FakeSite


@pytest.fixture
def fake(tmp_path: Path) -> FakeSite:
    fake = FakeSite(tmp_path)
    for app in ("frappe", "my_app"):
        fake.write(f"apps/{app}/{app}/__init__.py", '__version__ = "1.0.0"')
    fake.write("sites/apps.txt", "frappe\nmy_app\n")
    fake.answers["installed_apps"] = [('["frappe", "my_app"]',)]
    return fake


def test_apps_are_found_where_python_installs_them(fake: FakeSite) -> None:
    packages = fake.bench.path / "env" / "lib" / "python3.11" / "site-packages"
    for name in ("frappe-15.55.1.dist-info", "my_app-1.0.egg-info", "hand-made.egg-link", "frappe", "__pycache__"):
        (packages / name).mkdir(parents=True)
    assert environment_packages(fake.bench) == {"frappe", "my_app", "hand_made"}
    assert fake.look("F03")[""].severity == "ok"
    (packages / "my_app-1.0.egg-info").rmdir()
    finding = fake.look("F03")[""]
    assert (finding.severity, finding.text) == ("warning", "my_app is no package of env")


def test_bench_without_packages_of_apps_is_right(fake: FakeSite) -> None:
    assert fake.look("F03")[""].severity == "ok"


def test_each_half_of_an_app_is_named(fake: FakeSite) -> None:
    fake.answers["installed_apps"] = [('["frappe"]',)]
    fake.write("sites/apps.txt", "frappe\ngone\n")
    finding = fake.look("F03")[""]
    assert finding.severity == "warning"
    assert finding.text.split("; ") == [
        "gone is in apps.txt and not in the folder apps",
        "my_app is in the folder apps and not in apps.txt",
    ]


@pytest.mark.parametrize("rows", [[], [(None,)], [("broken",)]])
def test_site_that_does_not_name_its_apps_is_unknown(fake: FakeSite, rows: list[tuple[str | None]]) -> None:
    fake.answers["installed_apps"] = rows
    assert fake.look("F03")[""].severity == "unknown"


def test_bench_without_apps_lacks_them(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.answers["installed_apps"] = [('["frappe"]',)]
    assert fake.look("F03")[""].severity == "critical"
