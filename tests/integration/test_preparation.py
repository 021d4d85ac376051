"""What is seen before a recovery: _recovery.preparation, _recovery.survey; what is left after it: _recovery.cleanup."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import unknown_collations
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.preparation import (
    RecoveryRequest,
    prepare_recovery,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.survey import survey_live_site
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.lab.lab import Lab

SITE = "alpha.localhost"
NOW = datetime(2026, 11, 21, 4, 0, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def request_of_alpha(lab: Lab) -> RecoveryRequest:
    lab.backup(SITE)
    return RecoveryRequest(site=SITE, bench_path=str(lab.bench_path), state_path=lab.bench_path / "state")


def test_database_and_files_on_one_file_system_need_the_sum(lab, request_of_alpha):
    with connect(lab.login) as connection:
        plan = prepare_recovery(request_of_alpha, connection, ProgressReporter(), NOW)
    assert plan["space"]["datadir"]["needed_bytes"] == plan["space"]["files"]["needed_bytes"]
    assert [check["outcome"] for check in plan["checks"]] == ["passed"] * 6


def test_the_progress_of_the_verification_is_told(lab, request_of_alpha, tmp_path):
    progress = ProgressReporter(tmp_path / "progress.json")
    with connect(lab.login) as connection:
        prepare_recovery(request_of_alpha, connection, progress, NOW)
    assert progress.progress.step.startswith("verify ")
    assert progress.progress.total_bytes > 0


def test_a_request_does_not_show_its_key(request_of_alpha):
    assert "open sesame" not in repr(replace(request_of_alpha, encryption_key="open sesame"))


def test_collations_are_known_by_their_use(lab):
    known = ["utf8mb4_unicode_ci", "latin1_swedish_ci", "utf8mb4_uca1400_ai_ci"]
    with connect(lab.login) as connection:
        assert unknown_collations(connection, [*known, "utf8mb4_uca9999_ai_ci"]) == ["utf8mb4_uca9999_ai_ci"]


def test_a_site_of_which_nothing_is_left_is_surveyed(lab):
    site = Bench(lab.bench_path).site("gone.localhost")
    with connect(lab.login) as connection:
        live = survey_live_site(connection, site, {"db_name": "_0000000000000000"})
    assert (live.site_exists, live.configuration_valid, live.database, live.database_exists) == (
        False,
        False,
        "",
        False,
    )


@pytest.mark.parametrize("closed", ["site", "bench"])
def test_maintenance_of_the_site_or_of_its_whole_bench_is_seen(lab, closed):
    site = Bench(lab.bench_path).site(SITE)
    paths = {"site": site.config_path, "bench": site.bench.common_config_path}
    before = {name: path.read_bytes() for name, path in paths.items()}
    silent = {name: json.loads(content) for name, content in before.items()}
    del silent["site"]["maintenance_mode"]  # as a site has it that never was in maintenance
    with connect(lab.login) as connection:
        assert not survey_live_site(connection, site, {}).maintenance_mode
        try:
            for name, path in paths.items():
                path.write_text(json.dumps({**silent[name], **({"maintenance_mode": 1} if name == closed else {})}))
            assert survey_live_site(connection, site, {}).maintenance_mode
        finally:
            for name, path in paths.items():
                path.write_bytes(before[name])


def test_a_site_whose_configuration_is_broken_is_known_by_its_last_recovery(lab, request_of_alpha, tmp_path):
    site = Bench(lab.bench_path).site(SITE)
    content, recovered = site.config_path.read_bytes(), "_5be1ca11ed000001"
    journal = Journal.open(tmp_path, SITE, "20261121T031522Z-9f3a")
    journal.append("promote.intent", "done", intent={"database": recovered, "replaced_database": "_before"})
    journal.append("promote.configuration", "done")
    asked = replace(request_of_alpha, state_path=tmp_path)
    with connect(lab.login) as connection:
        execute(connection, f"CREATE DATABASE {recovered}")
        site.config_path.write_text("{")
        try:
            plan = prepare_recovery(asked, connection, ProgressReporter(), NOW)
        finally:
            site.config_path.write_bytes(content)
            execute(connection, f"DROP DATABASE {recovered}")
    assert (plan["replaces"]["db_name"], plan["replaces"]["configuration_valid"]) == (recovered, False)


def test_a_configuration_that_is_a_link_is_said_to_become_a_file(lab, request_of_alpha, tmp_path):
    path, real = lab.site_path(SITE) / "site_config.json", tmp_path / "real.json"
    path.rename(real)
    path.symlink_to(real)
    try:
        with connect(lab.login) as connection:
            plan = prepare_recovery(request_of_alpha, connection, ProgressReporter(), NOW)
    finally:
        path.unlink()
        real.rename(path)
    (warning,) = plan["warnings"]
    assert f"is a link to {real}" in warning


def test_settings_that_cannot_be_read_are_unknown(lab):
    database = lab.site_config(SITE)["db_name"]
    settings = f"{quote_identifier(database)}.tabSingles"
    with connect(lab.login) as connection:
        execute(connection, f"ALTER TABLE {settings} RENAME COLUMN value TO worth")
        try:
            live = survey_live_site(connection, Bench(lab.bench_path).site(SITE), {})
        finally:
            execute(connection, f"ALTER TABLE {settings} RENAME COLUMN worth TO value")
        assert live.scheduler_enabled is None
        assert survey_live_site(connection, Bench(lab.bench_path).site(SITE), {}).scheduler_enabled is True


def test_a_time_in_the_future_is_refused_where_nothing_can_be_replayed(lab, request_of_alpha):
    asked = replace(request_of_alpha, recover_to="2062-11-21T04:00:00Z")
    with connect(lab.login) as connection, pytest.raises(LifeboatError, match="in the future") as refused:
        prepare_recovery(asked, connection, ProgressReporter(), NOW)
    assert refused.value.error_code == "outside_window"


def test_where_no_set_was_found_is_said_with_what_there_is(lab, request_of_alpha, tmp_path):
    lab.backup("beta.localhost", folder=tmp_path)
    asked = replace(request_of_alpha, paths=(tmp_path, tmp_path / "typo"))
    with connect(lab.login) as connection, pytest.raises(LifeboatError) as refused:
        prepare_recovery(asked, connection, ProgressReporter(), NOW)
    assert refused.value.error_code == "backup_not_found"
    assert f"{tmp_path / 'typo'} (no such folder)" in refused.value.message
    assert "There are only sets of beta_localhost." in refused.value.message
