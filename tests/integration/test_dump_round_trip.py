from __future__ import annotations

import re

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb import loader, loader_jobs
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.loading import dump, load, rows, run_script, staging

QUOTED_TEXTS = [
    "/*!50013 DEFINER=root@localhost SQL SECURITY DEFINER */",
    "/*M!999999\\- enable the sandbox mode */",
    "-- Dump completed on 2026-11-21  9:15:09",
    "\n-- Dump completed on 2026-11-21  9:15:09\n",
    "x';\nDROP TABLE `t`;\n",
    "DELIMITER ;;\n",
    "\\! touch /tmp/x\n\\! touch /tmp/x",
    "\\",
    "\\\\'",
    "'",
    "''),('",
    "\0\b\n\r\t\x1a\"'%_",
    "🚑 ünïcödé",
    "INSERT INTO `t` VALUES (1);",
    "/*!50001 ",
    "*/;",
    "--",
    "#",
    "`",
    "",
]

OBJECTS = r"""
CREATE SEQUENCE `web_form_list_column_id_seq` nocache;
SELECT NEXTVAL(`web_form_list_column_id_seq`);
CREATE TABLE `t`(`a` int auto_increment, `b` varchar(20) default 'it''s; KEY `x` (`y`),', `c` text, `bb` blob,
  `bt` bit(8), `f` double, `n` decimal(21,9), `d` datetime(6), `g` int generated always as (length(`b`)) stored,
  `v` int generated always as (length(`b`) + 1) virtual, `cc` text compressed, `js` json, `u` uuid, `i` inet6,
  key(`a`), fulltext key `ft`(`c`), fulltext key `ft2`(`b`), key `kb` (`b`(5) desc) comment 'k, (x)', key `kv` (`v`),
  constraint `ck` check (`f` > -5)) comment 'x;y';
INSERT INTO `t`(`a`,`b`,`c`,`bb`,`bt`,`f`,`n`,`d`,`cc`,`js`,`u`,`i`) VALUES
  (1,'a','it''s \\ x\n',x'00ff27',b'101',1e30,-1.5,'2026-11-21 01:02:03.000004','z','{"a": 1}',uuid(),'::1'),
  (0 + 7,null,'',null,null,-1.5e-7,null,null,null,null,null,null);
CREATE TABLE `p`(`a` int primary key, `d` date) partition by range(`a`)
  (partition `p0` values less than (10), partition `p1` values less than maxvalue);
INSERT INTO `p` VALUES (1,'2026-01-01'),(11,null);
CREATE TABLE `parent`(`id` int primary key) ENGINE=InnoDB;
CREATE TABLE `child`(`id` int primary key, `pid` int, constraint `fk` foreign key (`pid`) references `parent`(`id`));
INSERT INTO `parent` VALUES (5);
INSERT INTO `child` VALUES (1,5);
CREATE TABLE `__global_search`(`doctype` varchar(100), `content` text, unique key `u`(`doctype`),
  fulltext key `content`(`content`)) ENGINE=MyISAM;
INSERT INTO `__global_search` VALUES ('a','text'),('b','more');
CREATE TABLE `old`(`a` varchar(20)) DEFAULT CHARSET=latin1;
INSERT INTO `old` VALUES ('é');
CREATE TABLE `zero`(`a` int auto_increment primary key);
SET sql_mode='NO_AUTO_VALUE_ON_ZERO';
INSERT INTO `zero` VALUES (0),(3);
CREATE TABLE `empty ``name`(`a` int);
CREATE TABLE `seen`(`a` int, `b` text);
"""
# A view that reads another one that is created later in the order of names, and triggers with what needs a DELIMITER.
VIEWS_AND_TRIGGERS = r"""
CREATE VIEW `z_view` AS select `t`.`a` AS `a`, `p`.`d` AS `d` from `t` join `p` on `p`.`a` = `t`.`a`
  where `t`.`b` like '%;%';
CREATE VIEW `a_view` AS select `z_view`.`a` AS `a` from `z_view` where `z_view`.`a` in (select `p`.`a` from `p`);
DELIMITER //
CREATE TRIGGER `note` AFTER INSERT ON `p` FOR EACH ROW BEGIN
  IF NEW.`a` > 0 THEN INSERT INTO `seen` VALUES (NEW.`a`, 'it''s; DEFINER=`root`@`localhost`'); END IF;
END//
DELIMITER ;
"""


@pytest.fixture
def source(mariadb_server, database):
    return mariadb_server, database


def normalised(sql: bytes) -> list[bytes]:
    """The lines of a dump without what a load changes on purpose: the definer and the order of keys."""
    sql = re.sub(rb"DEFINER=`[^`]*`@`[^`]*`", b"DEFINER", sql)
    return sorted(line.rstrip(b",") for line in sql.split(b"\n") if not line.startswith(b"--"))


@pytest.mark.promise(5)
@pytest.mark.parametrize("keys", ["at once", "later"])
def test_a_dump_of_every_kind_of_object_comes_back_the_same(source, keys, monkeypatch):
    server, database = source
    if keys == "later":
        monkeypatch.setattr(loader_jobs, "SMALL_TABLE_BYTES", 0)
    run_script(server, database, OBJECTS + VIEWS_AND_TRIGGERS)
    original = dump(server, database)
    assert original.count(b"DELIMITER") >= 2
    with staging(server) as options:
        loaded = load(options, original)
        assert (loaded.sequences, loaded.views, loaded.triggers) == (1, 2, 1)
        assert normalised(dump(server, options.database)) == normalised(original)
        connection = connect(server.login, options.database)
        execute(connection, "INSERT INTO `p` VALUES (12, NULL)")  # the trigger runs, with the staging account's rights
        connection.close()
        assert rows(server, options.database, "seen") == [(12, "it's; DEFINER=`root`@`localhost`")]
        assert rows(server, options.database, "web_form_list_column_id_seq") == rows(
            server, database, "web_form_list_column_id_seq"
        )
        assert loaded.rows["t"] == 2
        assert loaded.rows["empty `name"] == 0


def fill(server, database: str, table: list[tuple]) -> None:
    connection = connect(server.login, database)
    execute(connection, "CREATE OR REPLACE TABLE `t` (`id` int primary key, `text` longtext, `bytes` longblob)")
    with connection.cursor() as cursor:
        for number, (text, content) in enumerate(table):
            cursor.execute("INSERT INTO `t` VALUES (%s, %s, %s)", (number, text, content))
    connection.close()


TEXTS = st.one_of(
    st.none(),
    st.sampled_from(QUOTED_TEXTS),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=60),
    st.lists(st.sampled_from(["\\", "'", "\n", ";", ",", "(", ")", "\0", "--", "/*!", "*/", " "]), max_size=12).map(
        "".join
    ),
)
BYTES = st.one_of(
    st.none(), st.binary(max_size=80), st.just(b"\xff" * 100), st.sampled_from(QUOTED_TEXTS).map(str.encode)
)


@pytest.mark.promise(5)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=st.lists(st.tuples(TEXTS, BYTES), min_size=1, max_size=40))
@pytest.mark.parametrize("extended", ["one row a line", "one line"])
def test_any_text_and_bytes_survive_row_for_row(source, table, extended):
    server, database = source
    fill(server, database, table)
    sql = dump(server, database)
    if extended == "one line":
        sql = sql.replace(b"),\n(", b"),(").replace(b"VALUES\n", b"VALUES ")
    with staging(server) as options:
        load(options, sql)
        assert rows(server, options.database, "t") == rows(server, database, "t")


@pytest.mark.promise(5)
def test_large_rows_and_many_transactions_survive(source, monkeypatch):
    server, database = source
    monkeypatch.setattr(loader, "TRANSACTION_BYTES", 300_000)
    monkeypatch.setattr(loader, "BATCH_BYTES", 100_000)
    table = [(text * 50, b"\xff\x00'\\" * 20_000 * (number % 3)) for number, text in enumerate(QUOTED_TEXTS * 8)]
    fill(server, database, table)
    with staging(server, connections=3) as options:
        assert load(options, dump(server, database)).rows == {"t": len(table)}
        assert rows(server, options.database, "t") == rows(server, database, "t")


def test_a_dump_with_binary_columns_in_hexadecimal_comes_back_the_same(source):
    server, database = source
    fill(server, database, [("a", b"\xff\x00'"), (None, b"")])
    with staging(server) as options:
        load(options, dump(server, database, "--hex-blob"))
        assert rows(server, options.database, "t") == rows(server, database, "t")
