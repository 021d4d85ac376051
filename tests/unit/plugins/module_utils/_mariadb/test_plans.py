from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.plans import (
    explain,
    fetched_share,
    read_table_facts,
)


class Connection:
    """A connection whose one answer is given."""

    def __init__(self, row):
        self.row = row
        self.asked = []

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        return None

    def execute(self, statement):
        self.asked.append(statement)

    def fetchone(self):
        return self.row


@pytest.mark.parametrize("row", [None, ("{}",)])
def test_a_statement_is_explained_and_never_run(row):
    connection = Connection(row)
    assert explain(connection, "SELECT '100 %' ; ").tables == ()
    assert connection.asked == ["EXPLAIN FORMAT=JSON SELECT '100 %' "]


def test_facts_of_a_table():
    answers = {
        "TABLE_ROWS": [(None,)],
        "DATA_TYPE": [("name", "varchar")],
        "STATISTICS": [("PRIMARY", "name", None, 0, "BTREE", "NO")],
    }

    def query(statement, _arguments):
        return next(rows for part, rows in answers.items() if part in statement)

    facts = read_table_facts(query, "_a", "t")
    assert facts is not None
    assert (facts.rows, facts.column_types, len(facts.indexes)) == (0, {"name": "varchar"}, 1)
    answers["TABLE_ROWS"] = []
    assert read_table_facts(query, "_a", "t") is None


@pytest.mark.parametrize(("distinct", "share"), [(500, 0.002), (1, 1.0), (0, 1.0)])
def test_the_share_that_one_value_fetches(distinct, share):
    def query(statement):
        assert "`a``b`.`t`" in statement
        assert "LIMIT 2000" in statement
        return [(distinct,)]

    assert fetched_share(query, "a`b", "t", "c") == share
