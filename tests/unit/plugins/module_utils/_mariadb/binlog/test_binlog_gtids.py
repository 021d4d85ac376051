"""GTIDs, and states of a log made of them."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.gtids import (
    Gtid,
    GtidState,
    parse_gtid_list,
    positions_by_domain,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_a_gtid_is_read_and_written():
    assert Gtid.parse(" 0-1-505 ") == Gtid(0, 1, 505)
    assert str(Gtid(3, 21, 18446744073709551615)) == "3-21-18446744073709551615"


@pytest.mark.parametrize(
    "text", ["", "0-1", "0-1-2-3", "a-b-c", "0-1-5; DROP", "3E11FA47-71CA-11E1-9E33-C80AA9429562:23"]
)
def test_what_is_no_gtid(text):
    with pytest.raises(LifeboatError, match="0-1-505") as caught:
        Gtid.parse(text)
    assert caught.value.error_code == "gtid_invalid"


def test_the_position_is_the_last_of_each_domain():
    state = parse_gtid_list("1-1-7,0-1-505,0-2-3")
    assert (state.position, str(state)) == ("0-2-3,1-1-7", "0-1-505,0-2-3,1-1-7")
    state.add(Gtid(0, 1, 506))
    assert state.position == "0-1-506,1-1-7"
    assert parse_gtid_list("").position == ""
    assert positions_by_domain("0-1-5,4-1-2") == {0: Gtid(0, 1, 5), 4: Gtid(4, 1, 2)}


def test_a_copy_grows_on_its_own():
    state = parse_gtid_list("0-1-5")
    other = state.copy()
    other.add(Gtid(0, 1, 6))
    assert (state.position, other.position) == ("0-1-5", "0-1-6")
    assert state == parse_gtid_list("0-1-5") != other
    assert len({state, parse_gtid_list("0-1-5")}) == 1
    assert state != "0-1-5"


@pytest.mark.parametrize(
    ("before", "ended", "follows"),
    [
        ("", "", True),
        ("0-1-5", "0-1-5", True),
        ("0-2-9,0-1-5", "0-1-5,0-2-9", True),
        ("0-1-5", "0-1-5,7-1-3", True),
        ("0-1-6", "0-1-5", False),
        ("0-1-5", "0-1-6", False),
        ("0-1-5,7-1-3", "0-1-5", False),
        ("0-1-5", "", False),
        ("", "0-1-5", False),
        ("0-1-5", "0-1-5,0-2-9", False),
    ],
)
def test_whether_a_file_begins_where_another_ended(before, ended, follows):
    """Only a whole domain may be gone in between (FLUSH BINARY LOGS DELETE_DOMAIN_ID)."""
    assert parse_gtid_list(before).follows(parse_gtid_list(ended)) is follows


def test_an_empty_state():
    assert (GtidState().gtids, str(GtidState())) == ((), "")
