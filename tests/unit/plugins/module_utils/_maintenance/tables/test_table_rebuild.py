"""rebuild: for how long others wait, and which statements are ours."""

from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.rebuild import (
    OWN_STATEMENT,
    STATEMENT,
    Waiting,
)


def test_longest_wait_is_that_of_one_statement() -> None:
    waiting = Waiting()
    assert waiting.longest_seconds([], 0) == 0
    assert waiting.longest_seconds([(1, 10)], 5) == 0
    assert waiting.longest_seconds([(1, 10), (2, 20)], 6) == 1
    # Thread 1 has got its table and waits for another by now.
    assert waiting.longest_seconds([(1, 11), (2, 20)], 8) == 2
    assert waiting.longest_seconds([(1, 11)], 9) == 1
    assert waiting.longest_seconds([], 10) == 0


def test_statement_gives_up_blocks_nobody_and_is_known_again() -> None:
    statement = STATEMENT.format(table="`tabError Log`")
    assert statement == "ALTER TABLE `tabError Log` WAIT 5 FORCE, ALGORITHM=INPLACE, LOCK=NONE"
    assert OWN_STATEMENT.fullmatch(statement)
    assert not OWN_STATEMENT.fullmatch("ALTER TABLE `tabError Log` ADD COLUMN a INT")
