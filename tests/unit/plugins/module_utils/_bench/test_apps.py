"""Versions of apps, read and compared."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.apps import (
    bench_apps,
    compare_versions,
    persistent_cache_keys,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench


def write_app(bench: Path, name: str, source: str | None, project: str = "") -> None:
    package = bench / "apps" / name / name
    package.mkdir(parents=True)
    if source is not None:
        (package / "__init__.py").write_text(source)
    if project:
        (bench / "apps" / name / "pyproject.toml").write_text(project)


def test_versions_are_read_from_the_source_in_the_order_of_the_list(tmp_path: Path) -> None:
    write_app(tmp_path, "frappe", 'import os\n\n__version__ = "15.55.1"\n__title__ = "Frappe"\n')
    write_app(tmp_path, "erpnext", "__version__: str = '15.50.0'\n")
    write_app(
        tmp_path,
        "lms",
        "raise SystemExit\n",
        '[build-system]\nversion = "9"\n\n[project]\nname = "lms"\nversion = "2.1"\n',
    )
    write_app(tmp_path, "hrms", "", '[project]\nname = "hrms"\ndynamic = ["version"]\n\n[tool.x]\nversion = "9"\n')
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "apps.txt").write_text("frappe\n\nhrms\nerpnext\nlms\ngone")
    assert list(bench_apps(Bench(tmp_path)).items()) == [
        ("frappe", "15.55.1"),
        ("hrms", "unknown"),
        ("erpnext", "15.50.0"),
        ("lms", "2.1"),
        ("gone", "unknown"),
    ]


def test_keys_that_apps_want_kept_are_read_from_their_hooks(tmp_path: Path) -> None:
    hooks = {
        "frappe": 'app_name = "frappe"\npersistent_cache_keys = [\n\t"changelog-*",  # versions\n\t"rl:*",\n]\n',
        "press": 'persistent_cache_keys = ["agent-jobs", "*"]\nother = ["x"]\n',
        "computed": "persistent_cache_keys = list_of()\n",
        "broken": "persistent_cache_keys = [\n",
    }
    for name, text in hooks.items():
        write_app(tmp_path, name, "")
        (tmp_path / "apps" / name / name / "hooks.py").write_text(text)
    write_app(tmp_path, "without", "")
    assert sorted(persistent_cache_keys(Bench(tmp_path))) == ["agent-jobs", "changelog-", "rl:"]


def test_folders_are_the_list_when_that_is_lost(tmp_path: Path) -> None:
    write_app(tmp_path, "frappe", '__version__ = "1.0"')
    (tmp_path / "apps" / "notes").mkdir()
    assert bench_apps(Bench(tmp_path)) == {"frappe": "1.0"}


def test_bench_without_apps_has_none(tmp_path: Path) -> None:
    assert bench_apps(Bench(tmp_path)) == {}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("15.55.1", "15.55.2"),
        ("15.9.0", "15.10.0"),
        ("15.55.1", "16.0.0-dev"),
        ("16.0.0-dev", "16.0.0"),
        ("15.x.x-develop", "15.0.0"),
        ("14.80.0", "15.x-develop"),
        ("15.0.0-beta.1", "15.0.0-beta.2"),
        ("15.0.0-dev", "15.0.0-beta.1"),
        ("15.0.0-beta.2", "15.0.0-rc.1"),
        ("15.0.0rc1", "15.0.0"),
        ("15", "15.0.1"),
    ],
)
def test_older_is_less_than_newer(older: str, newer: str) -> None:
    assert compare_versions(older, newer) == -1
    assert compare_versions(newer, older) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [("15.55.1", "15.55.1"), ("15.55", "15.55.0"), ("v15.1.0", "15.1.0"), ("unknown", "15.1.0"), ("15.1.0", "")],
)
def test_same_or_not_comparable(first: str, second: str) -> None:
    assert compare_versions(first, second) == 0
