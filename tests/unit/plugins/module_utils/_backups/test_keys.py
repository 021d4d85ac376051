from __future__ import annotations

import json

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.keys import find_key, key_in


@pytest.fixture
def config(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_a_given_key_wins_and_no_other_is_tried(config):
    assert find_key("mine", config("set", {"backup_encryption_key": "theirs"}), None) == ("mine", "option")


def test_then_the_sets_own_then_the_sites(config):
    own = config("set", {"backup_encryption_key": "own"})
    live = config("live", {"backup_encryption_key": "live"})
    assert find_key(None, own, live) == ("own", "set")
    assert find_key(None, config("first", {"db_name": "x"}), live) == ("live", "site")
    assert find_key(None, None, None) == (None, "")


@pytest.mark.parametrize("content", ["{", "[]", {"backup_encryption_key": ""}])
def test_a_configuration_without_sense_has_no_key(config, content):
    assert key_in(config("set", content)) is None


def test_neither_has_one_that_is_not_there(tmp_path):
    assert key_in(tmp_path / "gone") is None
