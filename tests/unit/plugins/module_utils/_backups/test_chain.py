"""The chain of a site's sets."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.chain import (
    CHAIN_NAME,
    Chain,
    PresentSet,
    read_chain,
    record_made,
    record_removed,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import PreviousSet

AT = "2026-11-21T03:00:00Z"


def present(digest, previous=None):
    return PresentSet(digest, previous)


def found(chain, sets):
    return [(finding.set, finding.finding) for finding in chain.findings(sets)]


def test_what_was_never_recorded_is_an_empty_chain(tmp_path):
    chain = read_chain(tmp_path / "gone")
    assert (chain, chain.newest(), chain.findings({})) == (Chain(()), None, [])


def test_the_newest_is_the_last_that_was_made_also_when_it_is_gone(tmp_path):
    record_made(tmp_path / "site", "a", "1", AT)
    record_made(tmp_path / "site", "b", "2", AT)
    record_removed(tmp_path / "site", ["b"], "expired", AT)
    chain = read_chain(tmp_path / "site")
    assert (chain.newest(), chain.names(), chain.removed()) == (PreviousSet("b", "2"), {"a", "b"}, {"b"})


def test_a_set_that_nobody_removed_is_missing_and_one_that_was_removed_is_not(tmp_path):
    for name in "abc":
        record_made(tmp_path, name, name, AT)
    record_removed(tmp_path, ["a"], "expired", AT)
    chain = read_chain(tmp_path)
    assert found(chain, {"c": present("c")}) == [("b", "missing")]
    assert found(chain, {"b": present("b"), "c": present("c")}) == []


def test_a_set_that_was_brought_back_and_lost_again_is_missing(tmp_path):
    record_made(tmp_path, "a", "1", AT)
    record_removed(tmp_path, ["a"], "expired", AT)
    record_made(tmp_path, "a", "1", AT)
    assert found(read_chain(tmp_path), {}) == [("a", "missing")]


def test_another_manifest_is_a_change(tmp_path):
    record_made(tmp_path, "a", "1", AT)
    assert found(read_chain(tmp_path), {"a": present("2")}) == [("a", "changed")]


def test_the_manifests_tell_it_where_the_file_of_the_chain_is_lost():
    later = {"c": present("3", PreviousSet("b", "2"))}
    assert found(Chain(()), later) == [("b", "missing")]
    assert found(Chain(()), {**later, "b": present("2")}) == []
    assert found(Chain(()), {**later, "b": present("x")}) == [("b", "changed")]


@pytest.mark.parametrize("damage", [b'{"event": "ma', b"[]\n", b'{"event": "other", "set": "x"}\n', b"\n"], ids=repr)
def test_a_damaged_line_takes_no_other_with_it(tmp_path, damage):
    record_made(tmp_path, "a", "1", AT)
    with (tmp_path / CHAIN_NAME).open("ab") as stream:
        stream.write(damage)
    record_made(tmp_path, "b", "2", AT)
    assert read_chain(tmp_path).names() == {"a", "b"}
