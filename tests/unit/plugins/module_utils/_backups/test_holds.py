"""Held sets."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.holds import (
    HOLDS_NAME,
    Hold,
    plan_hold,
    read_holds,
    write_holds,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_what_was_written_is_read(tmp_path):
    holds = {"a": Hold(held=True, reason="audit", by="root", at="2026-11-21T03:00:00Z")}
    write_holds(tmp_path / "site", holds)
    assert read_holds(tmp_path / "site") == holds


def test_nothing_is_held_where_nobody_said_so(tmp_path):
    assert read_holds(tmp_path / "gone") == {}


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"a": {"held": true}}', b'{"a": 1}'], ids=repr)
def test_a_file_that_cannot_be_understood_is_an_error(tmp_path, content):
    (tmp_path / HOLDS_NAME).write_bytes(content)
    with pytest.raises(LifeboatError) as failure:
        read_holds(tmp_path)
    assert failure.value.error_code == "holds_damaged"


HELD = Hold(held=True, reason="audit", by="root", at="2026-11-21T03:00:00Z")
RELEASED = Hold(held=False, reason="", by="root", at="2026-11-22T03:00:00Z")


@pytest.mark.parametrize(
    ("present", "held", "reason"),
    [(HELD, True, ""), (HELD, True, "audit"), (None, False, ""), (RELEASED, False, "")],
    ids=["held", "for the same reason", "never held", "released"],
)
def test_what_is_so_already_stays_as_it_is(present, held, reason):
    assert plan_hold(present, held, reason, "me", "now") == present


@pytest.mark.parametrize(
    ("present", "held", "reason"),
    [(None, True, ""), (RELEASED, True, "again"), (HELD, True, "another reason"), (HELD, False, "")],
    ids=["new", "again", "another reason", "release"],
)
def test_what_is_not_so_yet_is_said_anew(present, held, reason):
    assert plan_hold(present, held, reason, "me", "now") == Hold(held, reason, "me", "now")
