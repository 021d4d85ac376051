from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import ServerFacts
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.load_choice import (
    LoadChoice,
    Tables,
    choose_load,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

FACTS = ServerFacts("10.11.19-MariaDB-log", "/data", "host", 3306, True, 1 << 24, 16384, 0)
TABLES = Tables("10.11.6-MariaDB", 16384)
BOTH = ("logical", "physical")


def chosen(**changes) -> LoadChoice:
    values = {"kinds": BOTH, "tables": TABLES, "facts": FACTS, "can_place_files": True, "binary_log": "logged"}
    return choose_load(**{**values, **changes})


def test_tables_are_imported_where_they_fit():
    assert chosen() == LoadChoice("physical", "The files of the set's tables are imported.")
    assert chosen(kinds=("physical",)).kind == "physical"
    assert chosen(kinds=("logical",), tables=None).as_dict() == {"kind": "logical", "reason": "The set holds a dump."}


OBSTACLES = [
    ({"tables": replace(TABLES, server_version="10.6.22-MariaDB")}, "MariaDB 10.6, the server is 10.11"),
    ({"tables": replace(TABLES, server_version="unknown")}, "MariaDB unknown"),
    ({"tables": replace(TABLES, page_size_bytes=8192)}, "8192 bytes, the server's 16384"),
    ({"can_place_files": False}, "/data is not on this host"),
    ({"facts": replace(FACTS, replica_count=2)}, "2 replicas follow"),
]


@pytest.mark.parametrize(
    ("changes", "text"), OBSTACLES, ids=["older series", "unknown series", "page size", "elsewhere", "replicas"]
)
def test_the_dump_is_loaded_where_tables_cannot_be_imported_and_the_plan_says_why(changes, text):
    choice = chosen(**changes)
    assert choice.kind == "logical"
    assert text in choice.reason

    with pytest.raises(LifeboatError) as raised:
        chosen(kinds=("physical",), **changes)
    assert raised.value.error_code == "physical_unsupported"
    assert text in raised.value.message


def test_every_obstacle_is_named():
    far = replace(FACTS, replica_count=1, page_size_bytes=4096)
    assert chosen(facts=far, can_place_files=False).reason.count(";") >= 2


def test_replicas_that_are_left_out_are_no_obstacle():
    assert chosen(facts=replace(FACTS, replica_count=2), binary_log="skipped").kind == "physical"
    assert chosen(facts=replace(FACTS, replica_count=2, binary_log=False)).kind == "physical"
