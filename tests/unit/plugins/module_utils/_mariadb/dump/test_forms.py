from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.forms import (
    CreateSequence,
    DefinerStatement,
    EndOfTable,
    FormReader,
    Ignored,
    StandInView,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.rewrite import (
    statements_that_add_keys,
    with_definer,
    without_later_keys,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.session import SessionSettings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.tables import CreateTable
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.tokenizer import Statement
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

TABLE = b"""CREATE TABLE `tab``A` (
  `name` varchar(140) NOT NULL,
  `number` bigint(20) NOT NULL AUTO_INCREMENT COMMENT 'KEY `x` (`y`), it''s',
  `text` text /*M!100301 COMPRESSED*/ DEFAULT 'a;b' COLLATE utf8mb4_bin,
  `json` longtext CHECK (json_valid(`json`)),
  PRIMARY KEY (`name`),
  UNIQUE KEY `u` (`text`(10)),
  KEY `number` (`number`),
  KEY `plain` (`json`(5) DESC,`text`(3)) COMMENT 'k, (x)',
  FULLTEXT KEY `first` (`text`),
  KEY `last``one` (`json`(9)),
  FULLTEXT KEY `second` (`json`),
  CONSTRAINT `c` CHECK (`number` > 0)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='x=''y'"""


def read(text: bytes, reader: FormReader | None = None):
    return (reader or FormReader()).read(Statement(text, 7))


def refused_form(text: bytes) -> str:
    with pytest.raises(LifeboatError) as raised:
        read(text)
    assert raised.value.error_code == "statement_refused"
    assert raised.value.details["line"] == 7
    return raised.value.details["form"]


@pytest.mark.parametrize(
    "text",
    [
        b"DROP TABLE IF EXISTS `a``b`",
        b"/*!50001 DROP VIEW IF EXISTS `v`*/",
        b"DROP SEQUENCE IF EXISTS `s`",
        b"LOCK TABLES `a` WRITE",
        b"/*!40000 ALTER TABLE `a` DISABLE KEYS */",
        b"/*!40000 ALTER TABLE `a` ENABLE KEYS */",
        b"commit",
        b"",
        b"/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */",
        b"/*!40101 SET NAMES utf8mb4 */",
        b"/*!40103 SET TIME_ZONE='+00:00' */",
        b"/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */",
        b"/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */",
        b"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */",
        b"/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */",
        b"/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */",
        b"SET @OLD_AUTOCOMMIT=@@AUTOCOMMIT, @@AUTOCOMMIT=0",
        b"SET AUTOCOMMIT=@OLD_AUTOCOMMIT",
        b"set autocommit=0",
        b"SET @saved_cs_client     = @@character_set_client",
    ],
)
def test_what_an_empty_database_does_not_need_is_ignored(text):
    assert read(text) == Ignored()


def test_a_table_ends_where_its_lock_does():
    assert read(b"UNLOCK TABLES") == EndOfTable()


def test_sequences_and_their_values():
    create = b"CREATE SEQUENCE `s` start with 1 minvalue 1 maxvalue 9 increment by 1 nocache nocycle ENGINE=InnoDB"
    assert read(create) == CreateSequence(b"`s`", create, 7)
    assert read(b"DO SETVAL(`s`, 1, 0)") == CreateSequence(b"`s`", b"DO SETVAL(`s`, 1, 0)", 7)


def test_a_table_is_read_and_its_keys_can_wait():
    table = read(TABLE)
    assert isinstance(table, CreateTable)
    assert (table.name, table.engine, table.line) == (b"`tab``A`", "InnoDB", 7)
    assert table.columns == (b"`name`", b"`number`", b"`text`", b"`json`")
    assert table.collations == {"utf8mb4_bin", "utf8mb4_unicode_ci"}
    assert statements_that_add_keys(table) == [
        b"ALTER TABLE `tab``A` ADD KEY `plain` (`json`(5) DESC,`text`(3)) COMMENT 'k, (x)', "
        b"ADD KEY `last``one` (`json`(9))",
        b"ALTER TABLE `tab``A` ADD FULLTEXT KEY `first` (`text`)",
        b"ALTER TABLE `tab``A` ADD FULLTEXT KEY `second` (`json`)",
    ]
    kept = without_later_keys(table)
    lines = TABLE.split(b"\n")
    assert kept == b"\n".join(
        line for line in lines if not line.startswith((b"  KEY `plain", b"  KEY `last", b"  FULL"))
    )


@pytest.mark.parametrize(
    "text",
    [
        b"CREATE TABLE `t` (\n  `a` int,\n  KEY `k` (`a`)\n) ENGINE=MyISAM",
        b"CREATE TABLE `t` (\n  `a` int,\n  KEY `k` (`a`),\n  CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `u` (`b`)\n)"
        b" ENGINE=InnoDB",
        b"CREATE TABLE `t` (\n  `a` int,\n  UNIQUE KEY `k` (`a`)\n) ENGINE=InnoDB",
    ],
    ids=["MyISAM", "foreign keys", "unique"],
)
def test_keys_that_cannot_wait_stay(text):
    table = read(text)
    assert without_later_keys(table) == text
    assert statements_that_add_keys(table) == []


def test_partitions_are_accepted():
    text = (
        b"CREATE TABLE `p` (\n  `a` int(11) NOT NULL,\n  PRIMARY KEY (`a`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4\n"
        b" PARTITION BY RANGE (`a`)\n(PARTITION `p0` VALUES LESS THAN (10) ENGINE = InnoDB,\n"
        b" PARTITION `p1` VALUES LESS THAN MAXVALUE ENGINE = InnoDB)"
    )
    assert read(text).engine == "InnoDB"


def test_a_view_runs_as_the_staging_account_and_replaces_its_stand_in():
    stand_in = read(b"/*!50001 CREATE VIEW `v` AS SELECT\n 1 AS `a`,\n  NULL AS `b` */")
    assert stand_in == StandInView(b"`v`", b"CREATE VIEW `v` AS SELECT\n 1 AS `a`,\n  NULL AS `b`", 7)
    view = read(
        b"/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`root`@`%` SQL SECURITY DEFINER */\n"
        b"/*!50001 VIEW `v` AS select `t`.`a` AS `a` from (`t` join `u` on(`t`.`a` = 1)) where `t`.`b` = 'x.y;' */"
    )
    assert isinstance(view, DefinerStatement)
    assert (view.kind, view.name) == ("view", b"`v`")
    assert b" ".join(with_definer(view, "_a", "localhost").split()) == (
        b"CREATE OR REPLACE ALGORITHM=UNDEFINED DEFINER=`_a`@`localhost` SQL SECURITY DEFINER VIEW `v` AS select"
        b" `t`.`a` AS `a` from (`t` join `u` on(`t`.`a` = 1)) where `t`.`b` = 'x.y;'"
    )


def test_a_trigger_keeps_the_settings_it_was_made_under():
    reader = FormReader()
    for text in (
        b"/*!40101 SET NAMES utf8mb4 */",
        b"/*!40103 SET TIME_ZONE='+00:00' */",
        b"/*!50003 SET character_set_client  = latin1 */",
        b"/*!50003 SET collation_connection  = latin1_swedish_ci */",
        b"/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES' */",
    ):
        read(text, reader)
    trigger = read(
        b"/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `x` BEFORE INSERT ON `t` FOR EACH"
        b" ROW\nBEGIN /* ; */ SET NEW.a = 'DEFINER=`root`@`localhost`'; END */",
        reader,
    )
    assert trigger.session == SessionSettings("latin1", "latin1_swedish_ci", "STRICT_TRANS_TABLES", "+00:00")
    assert b" ".join(with_definer(trigger, "_a", "%").split()) == (
        b"CREATE DEFINER=`_a`@`%` TRIGGER `x` BEFORE INSERT ON `t` FOR EACH ROW"
        b" BEGIN /* ; */ SET NEW.a = 'DEFINER=`root`@`localhost`'; END"
    )
    for text in (
        b"SET character_set_client = @saved_cs_client",
        b"SET collation_connection = @saved_col_connection",
        b"SET sql_mode = @saved_sql_mode",
    ):
        read(text, reader)
    assert reader.session.current == reader.session.header == SessionSettings(time_zone="+00:00")


REFUSED = {
    b"CREATE DATABASE `x`": "CREATE DATABASE",
    b"CREATE OR REPLACE USER 'x'@'%' IDENTIFIED BY 'secretword'": "CREATE USER",
    b"CREATE DEFINER=`a`@`b` FUNCTION `f`() RETURNS int RETURN 1": "CREATE FUNCTION",
    b"CREATE PROCEDURE `p`() SELECT 1": "CREATE PROCEDURE",
    b"CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY DO SELECT 1": "CREATE EVENT",
    b"CREATE TEMPORARY TABLE `t` (`a` int)": "CREATE TEMPORARY",
    b"CREATE SECRETWORD": "CREATE of something",
    b"DROP DATABASE `x`": "DROP in this form",
    b"DROP TABLE `x`": "DROP in this form",
    b"DROP TABLE IF EXISTS `x`.`y`": "DROP in this form",
    b"ALTER TABLE `x` ADD COLUMN `y` int": "ALTER in this form",
    b"ALTER TABLE `other`.`x` DISABLE KEYS": "ALTER in this form",
    b"LOCK TABLES `other`.`x` WRITE": "LOCK in this form",
    b"DO SLEEP(9)": "DO in this form",
    b"DO SETVAL(`other`.`s`, 1, 0)": "DO in this form",
    b"/*!40000 GRANT ALL ON *.* TO root */": "GRANT in this form",
    b"/*!40000 'secretword' */": "text that begins no statement",
    b"SET GLOBAL max_connections = 1": "SET GLOBAL",
    b"SET @@GLOBAL.general_log = 1": "SET GLOBAL",
    b"SET sql_log_bin = 0": "SET of a variable",
    b"SET SESSION sql_log_bin = 0": "SET of a variable",
    b"SET @a = (SELECT 1)": "SET in a form",
    b"SET @a = 1": "SET of a variable",
    b"SET PASSWORD = 'secretword'": "SET of a variable",
    b"SET NAMES sjis": "SET NAMES",
    b"SET character_set_client = gbk": "SET NAMES",
    b"SET collation_connection = 'x-y'": "SET of a variable",
    b"SET sql_mode = 'NO_BACKSLASH_ESCAPES'": "SET SQL_MODE",
    b"SET sql_mode = 'strict_all_tables,ansi_quotes'": "SET SQL_MODE",
    b"SET TIME_ZONE = 'Asia/Kolkata'": "SET TIME_ZONE",
    b"/*!99999 DROP TABLE IF EXISTS `x` */": "versioned comment",
    b"/*!50700 DROP TABLE IF EXISTS `x` */": "versioned comment",
    b"/*M!100000 DROP TABLE IF EXISTS `x` */": "versioned comment",
    b"/*! DROP TABLE IF EXISTS `x` */": "versioned comment",
    b"/*!40000 DROP /*!40000 TABLE */ IF EXISTS `x` */": "versioned comment",
    b"/*!40000 DROP TABLE IF EXISTS `x`": "versioned comment",
    b"CREATE TABLE `other`.`t` (`a` int)": "CREATE TABLE",
    b"CREATE TABLE t (`a` int)": "CREATE TABLE",
    b"CREATE TABLE `t` LIKE `u`": "CREATE TABLE",
    b"CREATE TABLE `t` (LIKE `u`)": "definition",
    b"CREATE TABLE `t` (`a` int": "closing parenthesis",
    b"CREATE TABLE `t` (`a` int) SELECT 1 AS `a`": "SELECT",
    b"CREATE TABLE `t` (`a` int) AS VALUES (1)": "option",
    b"CREATE TABLE `t` (`a` int) ENGINE=InnoDB DATA DIRECTORY='/tmp'": "DIRECTORY",
    b"CREATE TABLE `t` (`a` int) ENGINE=CONNECT": "storage engine CONNECT",
    b"CREATE TABLE `t` (`a` int) ENGINE=FEDERATED CONNECTION='mysql://x:secretword@y/z'": "CONNECTION",
    b"CREATE TABLE `t` (`a` int) ENGINE=MERGE UNION=(`x`)": "UNION",
    b"CREATE TABLE `t` (`a` int DEFAULT nextval(`other`.`s`)) ENGINE=InnoDB": "another database",
    b"CREATE TABLE `t` (`a` int, CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `o`.`u` (`b`))": "another database",
    b"CREATE TABLE `t` (`a` int DEFAULT (@@version))": "@",
    b"CREATE TABLE `t` (`a` text DEFAULT (load_file('/etc/passwd')))": "LOAD_FILE",
    b"CREATE TABLE `t` (`a` int /*!50000 , `b` int */)\n/*M!100000 ENGINE=CONNECT */": "versioned comment",
    b"CREATE VIEW `v` AS SELECT `a` FROM `other`.`t`": "another database",
    b"CREATE VIEW `v` AS SELECT `a` FROM (`t` JOIN other.u)": "another database",
    b"CREATE VIEW `v` AS SELECT `other`.`f`(1) AS `a`": "another database",
    b"CREATE VIEW `v` AS SELECT `other`.`t`.`a` AS `a` FROM `t`": "another database",
    b"CREATE VIEW `v` AS SELECT 'a' INTO OUTFILE '/tmp/x'": "OUTFILE",
    b"CREATE VIEW `v` AS SELECT LOAD_FILE('/etc/passwd')": "LOAD_FILE",
    b"CREATE TRIGGER `x` BEFORE INSERT ON `t` FOR EACH ROW INSERT INTO other.u VALUES (1)": "another database",
    b"CREATE TRIGGER `x` BEFORE INSERT ON `t` FOR EACH ROW SET GLOBAL a = 1": "GLOBAL",
    b"CREATE TRIGGER `o`.`x` BEFORE INSERT ON `t` FOR EACH ROW SET @a = 1": "CREATE TRIGGER",
}


@pytest.mark.promise(7)
@pytest.mark.parametrize("text", REFUSED)
def test_whatever_reaches_further_is_refused_by_name(text):
    form = refused_form(text)
    assert REFUSED[text] in form
    assert "secretword" not in form.lower()
