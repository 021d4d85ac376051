from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.masking import mask, unwrap
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (b"SET a = 'it''s'", b"SET a = '__''_'"),
        (rb"x 'a\'b' y", rb"x '____' y"),
        (b'"a;b" c', b'"___" c'),
        (b"`USE` t", b"`___` t"),
        (b"a /* DROP */ b", b"a            b"),
        (b"a -- DROP\nb", b"a        \nb"),
        (b"a # DROP\nb", b"a       \nb"),
        (b"a--b", b"a--b"),
        (b"'/* not a comment' x", b"'________________' x"),
    ],
)
def test_texts_are_blanked_where_they_stand(text, masked):
    assert mask(text) == masked
    assert len(mask(text)) == len(text)


def test_a_versioned_comment_is_a_statement_and_stays():
    assert mask(b"/*!40101 SET NAMES utf8mb4 */") == b"/*!40101 SET NAMES utf8mb4 */"


@pytest.mark.parametrize(
    ("text", "unwrapped"),
    [
        (b"/*!40101 SET NAMES utf8mb4 */", b"SET NAMES utf8mb4"),
        (b"/*!50001 CREATE */ /*!50013 VIEW */", b"CREATE   VIEW"),
        (b"CREATE TABLE t (a text /*M!100301 COMPRESSED*/)", b"CREATE TABLE t (a text /*M!100301 COMPRESSED*/)"),
        (b"SELECT '/*!99999 x */'", b"SELECT '/*!99999 x */'"),
        (b"/*M!100616 SET NOTE_VERBOSITY=@OLD_NOTE_VERBOSITY */", b"SET NOTE_VERBOSITY=@OLD_NOTE_VERBOSITY"),
    ],
)
def test_statements_come_out_of_their_versioned_comments(text, unwrapped):
    assert unwrap(text, 1) == unwrapped


@pytest.mark.promise(7)
@pytest.mark.parametrize(
    "text",
    [
        b"/*!50700 DROP DATABASE x */",
        b"/*!99999 GRANT ALL */",
        b"/*! USE other */",
        b"/*M!100000 USE other */",
        b"/*M!100616 SET NOTE_VERBOSITY=0 */",
        b"/*!40101 SET a",
        b"/*!40101 SET /*!40101 x */ */",
    ],
)
def test_comments_that_only_some_servers_execute_are_refused(text):
    with pytest.raises(LifeboatError, match="line 7") as error:
        unwrap(text, 7)
    assert error.value.error_code == "statement_refused"
