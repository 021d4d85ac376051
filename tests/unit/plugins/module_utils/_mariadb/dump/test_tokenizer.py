from __future__ import annotations

import io

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump import tokenizer
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.literals import row_values
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.tokenizer import (
    Comment,
    Rows,
    Statement,
    statements,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from hypothesis import given
from hypothesis import strategies as st


class Portions(io.BytesIO):
    """Gives so many bytes at a time, whatever was asked for."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self._size = size

    def read(self, size: int = -1) -> bytes:
        return super().read(self._size if size >= 0 else size)


def tokens(text: bytes, portion: int = 1 << 20, **options) -> list:
    return list(statements(Portions(text, portion), **options))


def rows_of(text: bytes, portion: int = 1 << 20, **options) -> list[Rows]:
    return [token for token in tokens(text, portion, **options) if isinstance(token, Rows)]


def refusal(text: bytes, portion: int = 1 << 20, **options) -> LifeboatError:
    with pytest.raises(LifeboatError) as raised:
        tokens(text, portion, **options)
    return raised.value


@pytest.mark.parametrize("portion", [1, 2, 3, 7, 1 << 20])
def test_what_stands_between_statements(portion):
    text = (
        b"/*M!999999\\- enable the sandbox mode */ \n"
        b"-- a 'comment; \n"
        b"--\n"
        b'# another "one\n'
        b"/* a\n; block */\n"
        b"/*!40101 SET NAMES utf8mb4 */;\n"
        b"DROP TABLE IF EXISTS `a;b`;\n"
        b"-- Dump completed"
    )
    assert tokens(text, portion) == [
        Comment(b"/*M!999999\\- enable the sandbox mode */ ", 1),
        Comment(b"-- a 'comment; ", 2),
        Comment(b"--", 3),
        Comment(b'# another "one', 4),
        Comment(b"/* a\n; block */", 5),
        Statement(b"/*!40101 SET NAMES utf8mb4 */", 7),
        Statement(b"DROP TABLE IF EXISTS `a;b`", 8),
        Comment(b"-- Dump completed", 9),
    ]


@pytest.mark.parametrize("portion", [1, 5, 1 << 20])
@pytest.mark.parametrize(
    "statement",
    [
        b"CREATE TABLE `t` (`a` int COMMENT 'it''s; \\' \\\\', `b``;` text DEFAULT \"x;\\\"\" /* ; ' */, -- ; '\n"
        b" `c` int # ;\n)",
        b"SET a = 1 - -1, b = '--', c = 4/2",
        b"SET a = '\\\\'",
        b"/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50001 VIEW `v;` AS SELECT ';' */",
    ],
)
def test_a_statement_ends_at_its_delimiter_alone(statement, portion):
    assert tokens(b"\n" + statement + b" ;\nCOMMIT;", portion) == [
        Statement(statement, 2),
        Statement(b"COMMIT", 3 + statement.count(b"\n")),
    ]


@pytest.mark.parametrize("portion", [1, 4, 1 << 20])
def test_a_trigger_ends_at_the_delimiter_that_was_set(portion):
    body = b"/*!50003 CREATE TRIGGER `t` BEFORE INSERT ON `a` FOR EACH ROW BEGIN SET @a=1; SET @b=2; END */"
    assert tokens(b"DELIMITER ;;\n" + body + b";;\ndelimiter ;\nCOMMIT;\n", portion) == [
        Statement(body, 2),
        Statement(b"COMMIT", 4),
    ]


@pytest.mark.parametrize("portion", [1, 3, 50, 1 << 20])
@pytest.mark.parametrize("separator", [b",\n", b",", b" , "])
def test_rows_come_with_their_count_whatever_is_in_them(separator, portion):
    rows = [
        b"(1,'it\\'s',NULL,-1.5e-7,0x00FF,'')",
        b"(2,'a''b''',b'0101',1e30,_binary '\\0\\\\',x'00')",
        b"(3, '),\\n(;\\n' ,'\\\\','/*!50013 DEFINER=`a`@`b` SQL SECURITY DEFINER */',1,'\xff\x00')",
        b"(4,'-- Dump completed','\\\\! touch /x','DELIMITER ;;\n;\n','INSERT INTO `t` VALUES (9);','(')",
    ]
    text = b"INSERT INTO `t``x` (`a`, `b`) VALUES\n" + separator.join(rows) + b";\nCOMMIT;"
    found = rows_of(text, portion)
    assert {(token.table, token.columns) for token in found} == {(b"`t``x`", b" (`a`, `b`)")}
    assert sum(token.count for token in found) == 4
    assert separator.join(token.text for token in found) == separator.join(rows)
    assert tokens(text, portion)[-1] == Statement(b"COMMIT", text.count(b"\n") + 1)


@pytest.mark.parametrize("portion", [1, 7, 1 << 20])
@pytest.mark.parametrize("value", [b"),\n(", b"),\n(3,4),\n", b");\n", b"a\nb", b"\\'),\n(\\'", b"\\\\"])
def test_an_end_of_a_line_in_a_string_ends_no_row(value, portion):
    rows = b"(1,'a'),\n(2,'%b'),\n(3,NULL)" % value
    found = rows_of(b"INSERT INTO `t` VALUES\n%b;\nINSERT INTO `t` VALUES\n(4,'');\n" % rows, portion)
    assert sum(batch.count for batch in found) == 4
    assert b",\n".join(batch.text for batch in found) == rows + b",\n(4,'')"


def test_rows_as_the_dump_programs_write_them_are_read_line_by_line(monkeypatch):
    monkeypatch.setattr(tokenizer, "_ROW", None)
    found = rows_of(b"INSERT INTO `t` VALUES\n(1,'a, (b\\'c;'),\n(-2.5,NULL);\nINSERT INTO `t` VALUES\n(3,'');\n")
    assert [(batch.count, batch.line, batch.longest_row_bytes) for batch in found] == [(2, 2, 16), (1, 5, 7)]


@pytest.mark.parametrize("portion", [1, 10, 1 << 20])
def test_rows_are_cut_into_batches_at_row_boundaries(portion):
    rows = [b"(%d,'%s')" % (number, b"x" * number) for number in range(60)]
    found = rows_of(b"INSERT INTO `t` VALUES " + b",".join(rows) + b";\n", portion, batch_bytes=200)
    assert b",".join(token.text for token in found) == b",".join(rows)
    assert all(len(token.text) <= 200 for token in found)
    assert [token.count for token in found] == [token.text.count(b"(") for token in found]
    assert len(found) > 10


def test_a_row_longer_than_a_batch_comes_alone():
    long_row = b"(2,'" + b"\\'" * 3000 + b"')"
    found = rows_of(b"INSERT INTO `t` VALUES (1,''),\n" + long_row + b",\n(3,'');\n", 100, batch_bytes=50)
    assert [token.text for token in found] == [b"(1,'')", long_row, b"(3,'')"]
    assert [token.line for token in found] == [1, 2, 3]
    assert max(token.longest_row_bytes for token in found) == len(long_row) + 2


def test_a_row_with_very_many_parts_is_accepted():
    row = b"('" + b"''" * 60_000 + b"')"
    assert [token.text for token in rows_of(b"INSERT INTO `t` VALUES " + row + b";")] == [row]


@pytest.mark.promise(20)
@pytest.mark.parametrize(
    ("text", "limits"),
    [
        (b"INSERT INTO `t` VALUES ('" + b"x" * 5_000_000, {"row_limit_bytes": 1_000_000}),
        (b"INSERT INTO `t` VALUES (" + b"1," * 2_500_000, {"row_limit_bytes": 1_000_000}),
        (b"INSERT INTO `t` VALUES ('" + b"x" * 5_000 + b"');", {"row_limit_bytes": 1_000}),
        (b"CREATE TABLE `t` (" + b"x" * 5_000_000, {}),
        (b"SET a = '" + b"x" * 5_000_000, {}),
        (b"-- " + b"x" * 5_000_000, {}),
        (b"/* " + b"x" * 5_000_000, {}),
    ],
)
def test_what_never_ends_is_given_up(text, limits):
    source = io.BytesIO(text)
    with pytest.raises(LifeboatError) as raised:
        list(statements(source, **limits))
    assert raised.value.error_code == "statement_too_long"
    assert source.tell() < 7_000_000


@pytest.mark.parametrize("portion", [1, 1 << 20])
@pytest.mark.parametrize(
    "text",
    [
        b"DROP TABLE `a",
        b"DROP TABLE IF EXISTS `a`",
        b"/* comment",
        b"SET a = 'x",
        b"INSERT INTO `t` VALUES ",
        b"INSERT INTO `t` VALUES (1,'a'",
        b"INSERT INTO `t` VALUES (1,'a')",
        b"INSERT INTO `t` VALUES (1,'a'),",
        b"INSERT INTO `t` VALUES (1,'a\\",
        b"INSERT INTO `t` VALUES (1,'a\\'",
    ],
)
def test_a_text_that_ends_in_a_statement_is_incomplete(text, portion):
    error = refusal(b"COMMIT;\n" + text, portion)
    assert (error.error_code, error.details["line"]) == ("artifact_incomplete", 2)


CLIENT_COMMANDS = {
    b"\\! touch /tmp/x": "backslash",
    b"\\e": "backslash",
    b"\\u other": "backslash",
    b"system touch /tmp/x": "SYSTEM",
    b"source /etc/passwd": "SOURCE",
    b"tee /tmp/x": "TEE",
    b"pager sh": "PAGER",
    b"edit": "EDIT",
    b"DELIMITER //": "DELIMITER",
    b"DELIMITER ;;;": "DELIMITER",
    b"delimiter": "DELIMITER",
    b"use other": "USE",
    b"charset latin1": "CHARSET",
    b"connect other": "CONNECT",
}
FOREIGN_STATEMENTS = {
    b"USE `other`;": "USE",
    b"GRANT ALL ON *.* TO root;": "GRANT",
    b"LOAD DATA INFILE '/etc/passwd' INTO TABLE `t`;": "LOAD",
    b"INSTALL SONAME 'x';": "INSTALL",
    b"SELECT 1 INTO OUTFILE '/tmp/x';": "SELECT",
    b"DELETE FROM `t`;": "DELETE",
    b"REPLACE INTO `t` VALUES (1);": "REPLACE",
    b"FLUSH PRIVILEGES;": "FLUSH",
    b"secretword is here": "text that begins no statement",
    b"'secretword'": "text that begins no statement",
    b"--secretword": "text that begins no statement",
    b"(1,2),": "text that begins no statement",
}


@pytest.mark.promise(6)
@pytest.mark.parametrize("portion", [3, 1 << 20])
@pytest.mark.parametrize("command", CLIENT_COMMANDS)
def test_client_commands_are_refused_where_a_statement_begins(command, portion):
    error = refusal(b"COMMIT;\n" + command + b"\nCOMMIT;\n", portion)
    assert (error.error_code, error.details["line"]) == ("statement_refused", 2)
    assert CLIENT_COMMANDS[command] in error.details["form"]


@pytest.mark.promise(6)
@pytest.mark.parametrize("command", CLIENT_COMMANDS)
def test_client_commands_in_a_row_are_text(command):
    row = b"('" + command.replace(b"\\", b"\\\\") + b"\n')"
    assert [token.text for token in rows_of(b"INSERT INTO `t` VALUES " + row + b";")] == [row]


@pytest.mark.promise(7)
@pytest.mark.parametrize("statement", FOREIGN_STATEMENTS)
def test_foreign_statements_are_refused_by_their_first_word(statement):
    error = refusal(b"COMMIT;\n\n" + statement)
    assert (error.error_code, error.details["line"]) == ("statement_refused", 3)
    assert FOREIGN_STATEMENTS[statement] in error.details["form"]
    assert "secretword" not in error.message + str(error.details)


@pytest.mark.promise(7)
@pytest.mark.parametrize("portion", [1, 1 << 20])
@pytest.mark.parametrize(
    "insert",
    [
        b"INSERT INTO `other`.`t` VALUES (1);",
        b"INSERT INTO t VALUES (1);",
        b"INSERT INTO `t` SELECT * FROM `u`;",
        b"INSERT INTO `t` (`a`) SELECT 1;",
        b"INSERT INTO `t` SET a = 1;",
        b"INSERT IGNORE INTO `t` VALUES (1);",
        b"INSERT INTO `t` VALUES (1,LOAD_FILE('/etc/passwd'));",
        b"INSERT INTO `t` VALUES (1,(SELECT 1));",
        b"INSERT INTO `t` VALUES (1,@@version);",
        b"INSERT INTO `t` VALUES (CURRENT_USER);",
        b"INSERT INTO `t` VALUES (`a`);",
        b"INSERT INTO `t` VALUES (1) ON DUPLICATE KEY UPDATE a = 2;",
        b"INSERT INTO `t` VALUES (1) RETURNING a;",
        b"INSERT INTO `t` VALUES (1)(2);",
        b"INSERT INTO `t` VALUES (1),SLEEP(9);",
        b"INSERT INTO `t` VALUES (1,-- ' \n, SLEEP(9)) -- ');",
        b"INSERT INTO `t` VALUES (1,/* ' */ SLEEP(9) /* ' */);",
        b"INSERT INTO `t` VALUES (1,# ' \n SLEEP(9)) # ');",
        b"INSERT INTO `t` VALUES (\"a' , SLEEP(9), 'b\");",
        b"INSERT INTO `t` VALUES (1/*!,SLEEP(9)*/);",
    ],
)
def test_rows_are_literals_and_nothing_else(insert, portion):
    error = refusal(b"COMMIT;\n" + insert + b"\n" + b"-- padding\n" * 20, portion)
    assert (error.error_code, error.details["line"]) == ("statement_refused", 2)
    assert "SLEEP" not in error.message


@pytest.mark.parametrize("portion", [1, 2, 64, 1 << 20])
def test_rows_that_are_not_wanted_are_stepped_over(portion):
    text = (
        b"INSERT INTO `a` VALUES\n(1,';\\n\n;\n\\\\'),\n(2,'\\';\n');\n"
        b"INSERT INTO `b` VALUES (3,'x');\n"
        b"COMMIT;\n"
        b"INSERT INTO `a` VALUES (4);"
    )
    found = tokens(text, portion, rows_of=frozenset((b"`b`",)))
    assert [(token.table, token.count, token.text) for token in found if isinstance(token, Rows)] == [
        (b"`a`", 0, b""),
        (b"`b`", 1, b"(3,'x')"),
        (b"`a`", 0, b""),
    ]
    assert Statement(b"COMMIT", 8) in found
    assert refusal(text[:-1], portion, rows_of=frozenset()).error_code == "artifact_incomplete"


def quoted(value: bytes | None) -> bytes:
    """Quote as mariadb-dump does."""
    if value is None:
        return b"NULL"
    for raw, escaped in ((b"\\", b"\\\\"), (b"\0", b"\\0"), (b"\n", b"\\n"), (b"\r", b"\\r"), (b"'", b"\\'")):
        value = value.replace(raw, escaped)
    return b"'" + value.replace(b"\x1a", b"\\Z") + b"'"


NASTY = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.sampled_from([b"\\", b"'", b"\\'", b"'),(", b";\n", b"-- ", b"/*!50001 ", b"*/", b"`", b"\\\\", b"''", b"--\n"]),
    st.lists(st.sampled_from([b"\\", b"'", b"\n", b";", b",", b"(", b")", b"\0"]), max_size=8).map(b"".join),
)


@pytest.mark.promise(5)
@given(st.lists(st.lists(NASTY, min_size=1, max_size=5), min_size=1, max_size=20), st.integers(1, 60))
def test_any_values_survive_unchanged(table, portion):
    rows = [b"(" + b",".join(map(quoted, row)) + b")" for row in table]
    text = b"INSERT INTO `t` VALUES\n" + b",\n".join(rows) + b";\nCOMMIT;\n"
    found = rows_of(text, portion, batch_bytes=100)
    assert b",\n".join(token.text for token in found) == b",\n".join(rows)
    assert sum(token.count for token in found) == len(rows)
    assert [values for token in found for values in row_values(token.text)] == table
    stepped_over = tokens(text, portion, rows_of=frozenset())
    assert [type(token) for token in stepped_over] == [Rows, Statement]


@pytest.mark.promise(20)
@pytest.mark.parametrize("value", [b"''", b"'x'", b"0x1e1e1e1e", b"1e10", b"b'0'", b"_binary 'x'", b" '' ", b"NULL"])
def test_a_row_that_does_not_fit_is_given_up_at_once(value):
    """A row with two ways to read each of its values would take longer than the universe exists."""
    row = b"(" + b",".join([value] * 2000)
    assert refusal(b"INSERT INTO `t` VALUES " + row + b",SLEEP(9));" + b" " * 100).error_code == "statement_refused"
    assert refusal(b"INSERT INTO `t` VALUES " + row).error_code == "artifact_incomplete"
    assert rows_of(b"INSERT INTO `t` VALUES " + row + b");", 1000)[0].count == 1


def test_limits_are_in_order():
    assert tokenizer.BATCH_BYTES < tokenizer.STATEMENT_LIMIT_BYTES < tokenizer.ROW_LIMIT_BYTES
