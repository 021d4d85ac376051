from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.forms import FormReader
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.tokenizer import Rows, Statement
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.loader_jobs import (
    SMALL_TABLE_BYTES,
    FinishJob,
    LoadCounter,
    RowsJob,
    TableLoad,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

DEFINITION = b"""CREATE TABLE `tabToDo` (
  `name` int,
  `owner` int,
  PRIMARY KEY (`name`),
  KEY `owner` (`owner`)
) ENGINE=InnoDB"""


ROWS = Rows(b"`tabToDo`", b"", b"(1,2)", 1, 5, 8, 5)


class Session:
    """Notes what a job sends, in the place of a server."""

    def __init__(self, counted: int = 0, refuses: bool = False) -> None:
        self.sent: list[bytes] = []
        self._counted = counted
        self._refuses = refuses

    def define(self, text: bytes, _name: str, _line: int) -> None:
        if self._refuses:
            raise LifeboatError("No.", "mariadb_statement_failed")
        self.sent.append(text)

    def add_rows(self, batches: list[Rows], _name: str, _line: int, can_be_undone: bool) -> None:
        assert can_be_undone
        self.sent += [batch.text for batch in batches]

    def count_rows(self, _quoted: bytes, _name: str) -> int:
        return self._counted


@pytest.fixture
def table() -> TableLoad:
    form: Any = FormReader().read(Statement(DEFINITION, 3))
    return TableLoad(form, LoadCounter())


def test_the_keys_of_a_small_table_are_there_from_the_start(table):
    assert b"KEY `owner`" in table.begin(SMALL_TABLE_BYTES - 1)
    assert table.later_keys == []


def test_the_keys_of_a_large_table_wait_for_its_rows(table):
    assert b"KEY `owner`" not in table.begin(SMALL_TABLE_BYTES)
    assert b"PRIMARY KEY" in table.form.text
    assert len(table.later_keys) == 1


def test_a_table_is_finished_by_whoever_returns_the_last_share(table):
    table.take_share()
    assert table.return_share() == []
    assert isinstance(table.return_share()[0], FinishJob)


def test_rows_are_sent_after_the_table_was_created_and_counted(table):
    session: Any = Session()
    job = RowsJob(table)
    job.add(ROWS)
    job.definition = table.begin(job.size_bytes)
    table.take_share()
    assert job.run(session) == []
    assert session.sent == [table.form.text, ROWS.text]
    assert (table.counter.done_bytes, table.counter.item_name) == (len(ROWS.text), "tabToDo")


def test_no_rows_follow_a_table_that_could_not_be_created(table):
    refusing: Any = Session(refuses=True)
    first, second = RowsJob(table), RowsJob(table)
    first.definition = table.begin(0)
    with pytest.raises(LifeboatError):
        first.run(refusing)
    session: Any = Session()
    second.add(ROWS)
    assert second.run(session) == []
    assert session.sent == []


def test_another_number_of_rows_than_in_the_dump_is_no_table(table):
    table.rows = 2
    few: Any = Session(counted=1)
    with pytest.raises(LifeboatError) as error:
        FinishJob(table).run(few)
    assert error.value.details == {"table": "tabToDo", "rows": 1, "rows_in_dump": 2}
    whole: Any = Session(counted=2)
    assert FinishJob(table).run(whole) == []
    assert table.counter.done_tables == 1
