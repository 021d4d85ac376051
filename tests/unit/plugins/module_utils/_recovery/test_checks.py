from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.checks import (
    FAILED,
    PASSED,
    SKIPPED,
    WARNING,
    Check,
    check_collations,
    check_database_kind,
    check_identity,
    check_keys,
    check_space,
    check_versions,
    database_bytes_needed,
    key_fingerprint,
    refuse_failed,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

LIVE = {"db_name": "_live", "encryption_key": "key one"}


def identity(**changes) -> Check:
    arguments = {
        "site": "a.example.com",
        "neighbours": ["a.example.com", "b.example.com"],
        "set_slug": "a_example_com",
        "archive_site": "a.example.com",
        "live_configuration": LIVE,
        "set_configuration": LIVE,
        "allow_cross_site": False,
        **changes,
    }
    return check_identity(**arguments)


@pytest.mark.parametrize("configuration", [{}, {"db_type": "mariadb"}, {"db_type": None}])
def test_a_site_in_mariadb_needs_no_word(configuration):
    assert check_database_kind(configuration, {"db_type": "postgres"} if configuration else {}) == []


@pytest.mark.parametrize("configurations", [({"db_type": "postgres"}, {}), ({}, {"db_type": "postgres"})])
def test_a_site_in_another_kind_of_database_is_refused(configurations):
    (refused,) = check_database_kind(*configurations)
    assert (refused.outcome, refused.error_code) == (FAILED, "database_unsupported")
    assert "postgres" in refused.text


def test_a_set_of_the_site_passes():
    assert identity().outcome == PASSED


@pytest.mark.promise(15)
@pytest.mark.parametrize(
    "changes",
    [
        {"archive_site": "b.example.com"},
        {"archive_site": None, "set_slug": "b_example_com"},
        {"archive_site": None, "set_slug": "stream", "set_configuration": {}},
        {"archive_site": None, "neighbours": ["a_example.com"], "set_configuration": {"db_name": "_other"}},
    ],
)
def test_a_set_of_another_site_is_refused_unless_allowed(changes):
    refused = identity(**changes)
    assert (refused.outcome, refused.error_code) == (FAILED, "wrong_site")
    assert "allow_cross_site" in refused.text
    assert identity(**changes, allow_cross_site=True).outcome == WARNING


@pytest.mark.parametrize(
    "changes",
    [
        {"archive_site": None},
        {"archive_site": None, "set_slug": "stream"},
        {"archive_site": None, "neighbours": ["a_example.com"], "set_configuration": {"encryption_key": "key one"}},
    ],
)
def test_a_set_without_archives_is_known_by_its_name_or_by_what_it_shares(changes):
    assert identity(**changes).outcome == PASSED


@pytest.mark.promise(16)
def test_newer_and_absent_apps_are_refused_by_name_unless_allowed():
    bench = {"frappe": "15.55.1", "erpnext": "15.50.0"}
    backup = {"frappe": "15.55.1", "erpnext": "15.51.0", "hrms": "15.1.0"}
    refused = check_versions(bench, backup, allow_newer_apps=False)
    assert (refused.outcome, refused.error_code) == (FAILED, "app_newer")
    assert "erpnext 15.51.0 (bench: 15.50.0)" in refused.text
    assert "hrms 15.1.0 (not on the bench)" in refused.text
    assert "frappe" not in refused.text.replace("allow_newer_apps", "")
    assert check_versions(bench, backup, allow_newer_apps=True).outcome == WARNING


def test_older_and_equal_apps_pass_and_a_bench_without_apps_is_not_compared():
    assert check_versions({"frappe": "15.55.1"}, {"frappe": "15.2.0"}, allow_newer_apps=False).outcome == PASSED
    assert check_versions({}, {"frappe": "15.2.0"}, allow_newer_apps=False).outcome == SKIPPED


def test_collations_that_the_server_lacks_are_refused_with_the_tables():
    tables = {"utf8mb4_uca1400_ai_ci": [f"t{index}" for index in range(7)], "utf8mb4_unicode_ci": ["u"]}
    refused = check_collations(["utf8mb4_uca1400_ai_ci"], tables)
    assert (refused.outcome, refused.error_code) == (FAILED, "collation_unknown")
    assert "t0, t1, t2, t3, t4 and 2 more of the set" in refused.text
    assert check_collations([], tables).outcome == PASSED


def test_keys_are_named_by_fingerprint_only():
    different = check_keys({"encryption_key": "key one"}, {"encryption_key": "key two"})
    assert different.outcome == WARNING
    assert key_fingerprint("key two") in different.text
    assert "key two" not in different.text
    assert "of the set" in check_keys({}, {"encryption_key": "key two"}).text
    assert "of the live site" in check_keys({"encryption_key": "key one"}, None).text
    assert check_keys({}, {}).outcome == WARNING


def test_space_counts_the_reserve_and_says_what_is_missing():
    enough = check_space("datadir", "/data", 100 * 2**20, 300 * 2**20, 200 * 2**20)
    short = check_space("datadir", "/data", 100 * 2**20, 299 * 2**20, 200 * 2**20)
    assert enough.outcome == PASSED
    assert (short.outcome, short.error_code) == (FAILED, "disk_space")
    assert "1.0 MiB are missing" in short.text
    assert check_space("datadir", "/data", 1, None, 1).outcome == SKIPPED


def test_a_load_needs_more_than_the_sql():
    assert database_bytes_needed(1000, 0) == 3500
    assert database_bytes_needed(0, 4) == 4 * 256 * 1024


def test_all_failed_checks_are_named_in_one_refusal():
    checks = [
        Check("a", FAILED, "First.", "disk_space"),
        Check("b", PASSED, "Fine."),
        Check("c", FAILED, "Second.", "wrong_site"),
    ]
    with pytest.raises(LifeboatError, match=r"First\. Second\. Nothing was changed") as error:
        refuse_failed("a.example.com", checks)
    assert error.value.error_code == "disk_space"
    assert [check["name"] for check in error.value.details["checks"]] == ["a", "c"]
    refuse_failed("a.example.com", checks[1:2])
