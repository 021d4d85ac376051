from __future__ import annotations

import gzip
import time

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.recovery_point import (
    format_moment,
    gzip_time,
    recovery_point,
)

BEGAN = 1795252508  # 2026-11-21T09:15:08Z
DAY = 86400


@pytest.fixture
def machine_in_kolkata(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_gzip_header_of_the_first_member_is_read():
    assert gzip_time(gzip.compress(b"x", mtime=BEGAN)) == BEGAN


@pytest.mark.parametrize("head", [b"", b"\x1f\x8b\x08", b"\x8c\x0d\x04\x09\x03\x02\xc4\xc9\x25"])
def test_other_content_says_no_time(head):
    assert gzip_time(head) == 0


@pytest.mark.parametrize("modified_at", [BEGAN - 1, BEGAN, BEGAN + DAY])
def test_the_header_counts_within_a_day_before_the_file_was_written(modified_at):
    assert recovery_point(BEGAN, None, modified_at) == (format_moment(BEGAN), "gzip_header")


@pytest.mark.parametrize("modified_at", [BEGAN - 2, BEGAN + DAY + 1])
def test_else_the_file_says_it(modified_at):
    assert recovery_point(BEGAN, None, modified_at) == (format_moment(modified_at), "file_mtime")


def test_a_copy_of_later_days_is_dated_by_the_header_when_the_footer_agrees():
    copied_at = BEGAN + 30 * DAY
    assert recovery_point(BEGAN, "2026-11-21 09:15:09", copied_at) == ("2026-11-21T09:15:08Z", "gzip_header")
    assert recovery_point(BEGAN, "2026-11-21 23:15:09", copied_at) == ("2026-11-21T09:15:08Z", "gzip_header")


@pytest.mark.usefixtures("machine_in_kolkata")
def test_without_a_header_the_footer_counts_as_local_time():
    expected = ("2026-11-21T03:45:09Z", "dump_footer")
    assert recovery_point(0, "2026-11-21  9:15:09", BEGAN + 30 * DAY) == expected


@pytest.mark.usefixtures("machine_in_kolkata")
def test_a_header_of_another_year_is_not_believed():
    assert recovery_point(1, "2026-11-21 09:15:09", BEGAN + 30 * DAY)[1] == "dump_footer"


def test_a_footer_that_is_no_time_is_left_out():
    assert recovery_point(0, "yesterday", BEGAN) == (format_moment(BEGAN), "file_mtime")
