from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import (
    decode_file_name,
    encode_file_name,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.indexes import (
    Index,
    IndexPart,
    read_indexes,
    redundant_indexes,
)


def index(name, *columns, unique=False, kind="BTREE", ignored=False):
    parts = tuple(IndexPart(*column) if isinstance(column, tuple) else IndexPart(column) for column in columns)
    return Index("_a", "t", name, parts, unique, kind, ignored)


PRIMARY = index("PRIMARY", "name", unique=True)


@pytest.mark.parametrize(
    ("indexes", "expected"),
    [
        ([index("a", "a"), index("ab", "a", "b")], [("a", "ab")]),
        ([index("a", "a"), index("a2", "a")], [("a2", "a")]),
        ([index("a", "a", unique=True), index("ab", "a", "b")], []),
        ([index("a", "a"), index("u", "a", unique=True)], [("a", "u")]),
        ([index("ba", "b", "a"), index("ab", "a", "b")], []),
        ([index("a", ("a", 10)), index("ab", "a", "b")], [("a", "ab")]),
        ([index("a", "a"), index("ab", ("a", 10), "b")], []),
        ([index("a", ("a", 10)), index("ab", ("a", 20), "b")], [("a", "ab")]),
        ([index("a", ("a", 20)), index("ab", ("a", 10), "b")], []),
        ([index("a", "a"), index("ab", "a", "b", ignored=True)], []),
        ([index("a", "a"), index("f", "a", kind="FULLTEXT")], []),
        ([index("an", "a", "name"), index("ab", "a", "b")], [("an", "ab")]),
        ([index("n", "name")], [("n", "PRIMARY")]),
        ([index("a", "a"), index("ab", "a", "b"), index("abc", "a", "b", "c")], [("a", "abc"), ("ab", "abc")]),
    ],
)
def test_what_is_superfluous(indexes, expected):
    found = [(one.index.name, one.kept.name) for one in redundant_indexes([PRIMARY, *indexes])]
    names = [name for name, _kept in found]
    assert names == [name for name, _kept in expected]
    assert not {kept for _name, kept in found} & set(names) or len(found) > 1


def test_without_a_primary_key():
    assert [one.index.name for one in redundant_indexes([index("a", "a"), index("ab", "a", "b")])] == ["a"]


def test_indexes_are_read_with_their_parts():
    def query(_statement, arguments):
        assert arguments == ("_a", "t")
        return [
            ("PRIMARY", "name", None, 0, "BTREE", "NO"),
            ("ab", "a", 10, 1, "BTREE", "YES"),
            ("ab", "b", None, 1, "BTREE", "YES"),
        ]

    assert read_indexes(query, "_a", "t") == [PRIMARY, index("ab", ("a", 10), "b", ignored=True)]
    assert PRIMARY.columns == ("name",)


def test_names_of_files():
    assert decode_file_name("_abc/tabSales@0020Invoice") == "_abc/tabSales Invoice"
    assert decode_file_name("plain") == "plain"
    assert encode_file_name("a b-c_1") == "a@0020b@002dc_1"
    assert decode_file_name(encode_file_name("tabSales Invoice")) == "tabSales Invoice"
