from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.digest.fingerprint import (
    SHOWN_CHARACTERS,
    fingerprint,
    fingerprint_id,
    is_plain_select,
    mask_literals,
    shown,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1", "select ?"),
        ("select  *\n from `tabUser`\twhere name = 'Administrator';", "select * from `tabUser` where name = ?"),
        ("SELECT `a` FROM t WHERE b IN (1, 2,3)", "select `a` from t where b in (?)"),
        ("SELECT `a` FROM t WHERE b IN ('x')", "select `a` from t where b in (?)"),
        ("INSERT INTO t VALUES (1,'a'),(2,'b'), (3, NULL)", "insert into t values (?), (?, null)"),
        ("INSERT INTO t VALUES (1,'a'),(2,'b')", "insert into t values (?)"),
        ("SELECT a1, t2.c3 FROM `_0f1e`.t2", "select a1, t2.c3 from `_0f1e`.t2"),
        ("SELECT 0xFF, 1.5e-3, .5, x'ff', b'01', N'a', _utf8mb4'b'", "select ?, ?, ?, ?, ?, ?, ?"),
        ("SELECT a FROM t WHERE b = -5 AND c - 5 > 0", "select a from t where b = ? and c - ? > ?"),
        ("SELECT a FROM t WHERE b = \"it\\\"s\" AND c = 'it''s'", "select a from t where b = ? and c = ?"),
        ("SELECT /* user 17 */ a -- of 'b'\nFROM t # end", "select a from t"),
        ("SELECT a FROM t WHERE b = 'cut off in the mid", "select a from t where b = ?"),
        ("SELECT a FROM t WHERE b = 'ends in a backslash\\", "select a from t where b = ?"),
        ("SELECT @@version, @x", "select @@version, @x"),
        ("SELECT 'Ünï' FROM `Ümlaut`", "select ? from `Ümlaut`"),
        ("SELECT a FROM t LIMIT 20 OFFSET 40", "select a from t limit ? offset ?"),
    ],
)
def test_fingerprint(statement, expected):
    assert fingerprint(statement) == expected


def test_statements_that_differ_in_their_values_have_one_id():
    first = fingerprint("SELECT name FROM `tabUser` WHERE email = 'a@example.com' AND idx IN (1)")
    second = fingerprint("select name from `tabUser`  where email='b'")
    third = fingerprint("SELECT name\nFROM `tabUser` WHERE email = 'other' AND idx IN (4, 5, 6)")
    assert fingerprint_id(first) == fingerprint_id(third) != fingerprint_id(second)
    assert len(fingerprint_id(first)) == 16


@given(st.text(alphabet="abcXYZ '\"\\\n-#/*%;é", max_size=60))
def test_no_value_is_left_in_what_is_shown(value):
    quoted = value.replace("\\", "\\\\").replace("'", "''")
    masked = mask_literals(f"SELECT `a` FROM t WHERE b = '{quoted}' AND c = 2")
    assert masked == "SELECT `a` FROM t WHERE b = ? AND c = ?"


@given(st.text(max_size=200))
def test_any_text_is_masked_without_an_error(text):
    assert "'" not in mask_literals(text).replace("`", "") or "`" in text
    fingerprint(text)


def test_a_long_statement_is_shown_cut():
    assert shown("a" * SHOWN_CHARACTERS) == "a" * SHOWN_CHARACTERS
    assert len(shown("a" * 5000)) == SHOWN_CHARACTERS
    assert shown("a" * 5000).endswith("…")


@pytest.mark.parametrize(
    ("statement", "is_plain"),
    [
        ("SELECT a FROM t WHERE b = 'into; for update'", True),
        ("  select 1;", True),
        ("/* a comment */ SELECT a FROM t", True),
        ("SELECT a FROM t FOR UPDATE", False),
        ("SELECT a FROM t LOCK IN SHARE MODE", False),
        ("SELECT a INTO OUTFILE '/tmp/x' FROM t", False),
        ("SELECT 1; DROP TABLE t", False),
        ("SELECT 1 /*!50000 INTO @a */", False),
        ("UPDATE t SET a = 1", False),
        ("WITH x AS (SELECT 1) DELETE FROM t", False),
        ("", False),
    ],
)
def test_only_a_plain_select_may_be_explained(statement, is_plain):
    assert is_plain_select(statement) is is_plain
