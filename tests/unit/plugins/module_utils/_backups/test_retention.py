"""Which sets retention keeps: by example, and for all sets that there can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.retention import (
    Candidate,
    RetentionPolicy,
    plan_retention,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.retention_run import verified_plan
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
POLICY = RetentionPolicy(keep_daily=3, keep_weekly=2, keep_monthly=2, keep_yearly=0, keep_minimum=1)
NOTHING = RetentionPolicy(0, 0, 0, 0, 1)


def one(hours_ago, **values):
    moment = NOW - timedelta(hours=hours_ago)
    return Candidate(
        **{
            "name": f"{moment:%Y%m%d_%H}",
            "recovery_point": moment,
            "kinds": ("logical",),
            "size_bytes": 1,
            "verified": True,
            **values,
        }
    )


def kept(sets, policy=NOTHING, now=NOW):
    return {fate.candidate.name for fate in plan_retention(sets, policy, now) if fate.kept}


def names(*sets):
    return {candidate.name for candidate in sets}


def test_the_latest_of_each_period_stays():
    hourly = [one(hours) for hours in range(60 * 24)]
    stay = sorted(kept(hourly, POLICY), reverse=True)
    # Three days; the week before (its Sunday); October.
    assert stay == ["20261121_12", "20261120_23", "20261119_23", "20261115_23", "20261031_23"]


def test_years_are_kept_as_well():
    yearly = [one(24 * 366 * years) for years in range(5)]
    assert len(kept(yearly, replace(NOTHING, keep_yearly=3))) == 3


def test_the_reasons_are_told():
    newest, older = plan_retention([one(0), one(1)], POLICY, NOW)
    assert newest.reasons == (
        "one of the newest 1",
        "the newest logical one",
        "the latest of its day",
        "the latest of its week",
        "the latest of its month",
    )
    assert (older.kept, older.reasons) == (False, ("no rule keeps it",))


def test_the_newest_of_each_kind_stays():
    logical, physical = one(3), one(1, kinds=("physical",))
    assert kept([one(0, kinds=("physical",)), physical, logical, one(4)]) == names(one(0), logical)


def test_held_sets_stay():
    assert kept([one(0), one(1, held=True), one(2)]) == names(one(0), one(1))


def test_nothing_goes_before_a_newer_set_was_verified():
    newest, older = one(0, verified=False), one(1)
    assert kept([newest, older, one(2)]) == names(newest, older, one(2))
    assert kept([replace(newest, verified=True), older, one(2)]) == names(newest)


def test_a_verified_set_replaces_only_what_is_of_its_kinds():
    newest = one(0, kinds=("physical",))
    unverified, oldest = one(1, verified=False), one(2)
    assert kept([newest, unverified, oldest]) == names(newest, unverified, oldest)


def test_a_broken_set_is_no_newest_one_and_goes_when_there_are_good_ones():
    broken = one(0, broken=True)
    assert kept([broken, one(1), one(2)]) == names(broken, one(1))
    assert kept([one(0), one(1, broken=True)]) == names(one(0))
    assert kept([one(0), one(1, broken=True)], replace(NOTHING, keep_minimum=2)) == names(one(0), one(1))
    assert kept([one(0, broken=True), one(1, broken=True)]) == names(one(0), one(1))


def test_sets_of_a_moment_that_has_not_come_stay_and_take_no_place():
    future = [one(-hours) for hours in (24, 48, 72)]
    assert kept([*future, one(0), one(1)]) == names(*future, one(0))


def test_a_clock_that_goes_back_removes_nothing():
    sets = [one(hours) for hours in range(50)]
    assert kept(sets, now=NOW - timedelta(days=365)) == names(*sets)


def test_a_clock_that_goes_forward_removes_nothing_else():
    sets = [one(hours) for hours in range(500)]
    assert kept(sets, POLICY) == kept(sets, POLICY, NOW + timedelta(days=3650))


candidates = st.lists(
    st.builds(
        Candidate,
        name=st.just(""),
        recovery_point=st.integers(-100, 24 * 800).map(lambda hours: NOW - timedelta(hours=hours)),
        kinds=st.sampled_from([("logical",), ("physical",), ("logical", "physical"), ()]),
        size_bytes=st.just(1),
        held=st.booleans(),
        broken=st.booleans(),
        verified=st.booleans(),
    ),
    max_size=25,
).map(lambda sets: [replace(candidate, name=f"set{number}") for number, candidate in enumerate(sets)])
policies = st.builds(RetentionPolicy, *[st.integers(0, 4)] * 5)


@pytest.mark.promise(24)
@given(candidates, policies)
def test_no_rule_is_ever_broken(sets, policy):
    fates = plan_retention(sets, policy, NOW)
    assert {fate.candidate for fate in fates} == set(sets)
    staying = [fate.candidate for fate in fates if fate.kept]
    going = [fate.candidate for fate in fates if not fate.kept]
    good = [fate.candidate for fate in fates if not fate.candidate.broken and fate.candidate.recovery_point <= NOW]
    assert not [candidate for candidate in going if candidate.held or candidate.recovery_point > NOW]
    assert set(good[: max(policy.keep_minimum, 1)]) <= set(staying)
    for candidate in going:
        newer = [
            other for other in staying if other.age_key > candidate.age_key and other.verified and not other.broken
        ]
        assert newer
        assert set(candidate.kinds) <= {kind for other in newer for kind in other.kinds}
    for kind in ("logical", "physical"):
        of_kind = [candidate for candidate in good if kind in candidate.kinds]
        assert set(of_kind[:1]) <= set(staying)


@given(candidates, policies)
def test_a_second_run_has_nothing_to_do(sets, policy):
    staying = [fate.candidate for fate in plan_retention(sets, policy, NOW) if fate.kept]
    assert all(fate.kept for fate in plan_retention(staying, policy, NOW))


@given(candidates, policies)
def test_more_kept_periods_remove_no_more(sets, policy):
    """Of verified sets: a verified one that stays can also replace what had to stay before."""
    sets = [replace(candidate, verified=True) for candidate in sets]
    more = replace(policy, keep_daily=policy.keep_daily + 1, keep_minimum=policy.keep_minimum + 1)
    assert kept(sets, policy) <= kept(sets, more)


@given(candidates, policies)
def test_as_few_sets_are_read_as_the_plan_needs(sets, policy):
    """With every set whole, what is planned is what would be planned if all were verified."""
    read = []

    def verify(name):
        read.append(name)
        return True

    fates = verified_plan({candidate.name: candidate for candidate in sets}, policy, NOW, verify)
    all_verified = [replace(candidate, verified=True) for candidate in sets]
    assert {fate.candidate.name for fate in fates if fate.kept} == kept(all_verified, policy)
    assert len(read) == len(set(read)) <= 3
    if len(kept(all_verified, policy)) == len(sets):
        assert not read


def test_only_a_set_of_the_kind_that_is_to_be_replaced_is_read():
    sets = [
        one(0, kinds=("physical",), verified=False),
        one(1, verified=False),
        one(2, verified=False),
        one(3, kinds=("physical",), held=True),
    ]
    read = []
    verified_plan({candidate.name: candidate for candidate in sets}, NOTHING, NOW, lambda name: not read.append(name))
    assert read == [sets[1].name]


@given(candidates, policies)
def test_sets_that_turn_out_broken_remove_nothing_that_they_were_to_replace(sets, policy):
    fates = verified_plan({candidate.name: candidate for candidate in sets}, policy, NOW, lambda _name: False)
    pillars = [fate.candidate for fate in fates if fate.kept and fate.candidate.verified and not fate.candidate.broken]
    for fate in fates:
        assert fate.kept or any(one.age_key > fate.candidate.age_key for one in pillars)
