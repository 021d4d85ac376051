"""One run on a host that is made of files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.examination import benches_of, examine
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Acceptance
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import read_history
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.options import HealthOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Sample
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import Measurement
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.runner import RunOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.health_findings import make_check

NOW = 1_800_000_000.0  # 2027-01-15
HOST_CHECK = make_check(measure=lambda host: [Measurement(25, text=str(host.surroundings.state_path))], target=Host)


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    (tmp_path / "root").mkdir()
    return Surroundings(root=tmp_path / "root", now=lambda: NOW)


@pytest.fixture
def options(tmp_path: Path) -> HealthOptions:
    return HealthOptions((HOST_CHECK,), state_path=tmp_path / "state", search_paths=("/benches/*",), keep_history=True)


def make_bench(root: Path, name: str) -> Path:
    path = root / "benches" / name
    (path / "sites").mkdir(parents=True)
    (path / "sites" / "common_site_config.json").write_text("{}")
    return path


def test_host_without_a_bench_is_checked_and_that_is_said(options: HealthOptions, surroundings: Surroundings) -> None:
    found = examine(options, surroundings, remember=False)
    assert [finding.severity for finding in found.findings] == ["critical"]
    assert found.findings[0].text == str(options.state_path)
    assert "No bench was found" in found.notes[0]
    assert (found.benches, found.at_seconds) == ([], NOW)
    assert not options.state_path.exists()


def test_what_is_waited_for_follows_from_the_deadline(options: HealthOptions, surroundings: Surroundings) -> None:
    check = make_check(measure=lambda host: [Measurement(host.surroundings.patience.deadline_seconds)], target=Host)
    options = replace(options, checks=(check,), run=RunOptions(sample_seconds=0, deadline_seconds=40))
    assert [finding.value for finding in examine(options, surroundings, remember=False).findings] == [40]


def test_benches_are_found_or_named(options: HealthOptions, surroundings: Surroundings) -> None:
    paths = [make_bench(surroundings.root, name) for name in ("a", "b")]
    found = examine(options, surroundings, remember=False)
    assert (found.benches, found.notes) == ([str(path) for path in paths], [])
    named = replace(options, bench_path=str(paths[1]))
    assert [bench.path for bench in benches_of(named)] == [paths[1]]


def test_named_bench_that_is_not_there_is_refused(options: HealthOptions, surroundings: Surroundings) -> None:
    with pytest.raises(LifeboatError) as error:
        examine(replace(options, bench_path=str(surroundings.root)), surroundings, remember=False)
    assert error.value.error_code == "bench_not_found"


def test_bench_whose_sites_cannot_be_listed_is_told(
    options: HealthOptions, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_bench(surroundings.root, "a")
    (path / "sites" / "s").mkdir()

    def refuse(*_arguments: Any) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr("ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout.Bench.sites", refuse)
        found = examine(options, surroundings, remember=False)
    assert found.notes == [f"The sites of {path} cannot be listed, so they were not checked: Permission denied."]
    assert found.findings


def test_run_is_remembered(options: HealthOptions, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "read_sample", lambda host: Sample(host.now_seconds, 0.0, {"x": 1.0}))
    examine(options, surroundings, remember=True)
    examine(replace(options, keep_history=False), surroundings, remember=True)
    history = read_history(options.state_path)
    assert [point.value for point in history.points("X01", "host")] == [25]
    assert history.sample("host", NOW) == Sample(NOW, 0.0, {"x": 1.0})


def test_state_that_cannot_be_written_is_told(options: HealthOptions, surroundings: Surroundings) -> None:
    (surroundings.root / "file").touch()
    unwritable = replace(options, state_path=surroundings.root / "file" / "state")
    found = examine(unwritable, surroundings, remember=True)
    assert "could not be kept" in found.notes[-1]
    assert found.findings


def test_acceptances_are_applied_by_the_day_of_the_run(options: HealthOptions, surroundings: Surroundings) -> None:
    for expires, is_accepted in (("2027-01-15", True), ("2027-01-14", False)):
        accepted = Acceptance("X01", "why", "who", expires)
        found = examine(replace(options, acceptances=(accepted,)), surroundings, remember=False)
        assert bool(found.findings[0].accepted) is is_accepted
