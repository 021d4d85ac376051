"""What an account may do beyond its own database."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.grants import grants_beyond

OWN = "_abc1"
USAGE = "GRANT USAGE ON *.* TO `_abc1`@`localhost` IDENTIFIED BY PASSWORD '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'"


def test_own_database_alone_is_nothing_beyond() -> None:
    lines = [USAGE, r"GRANT ALL PRIVILEGES ON `\_abc1`.* TO `_abc1`@`localhost` WITH GRANT OPTION"]

    assert grants_beyond(lines, OWN, ["information_schema", OWN]) == []


@pytest.mark.parametrize(
    ("line", "beyond"),
    [
        ("GRANT ALL PRIVILEGES ON *.* TO `a`@`%` WITH GRANT OPTION", "ALL PRIVILEGES on *.*"),
        ("GRANT SELECT, INSERT (`name`) ON `other`.`tabUser` TO `a`@`%`", "SELECT, INSERT (`name`) on other.tabUser"),
        ("GRANT SELECT ON `xabc1`.`tabUser` TO `a`@`%`", "SELECT on xabc1.tabUser"),
        (r"GRANT SELECT ON `\_abc2`.* TO `a`@`%`", r"SELECT on \_abc2.*"),
        ("GRANT SELECT ON `%`.* TO `a`@`%`", "SELECT on %.*"),
        ("GRANT SELECT ON `_abc%`.* TO `a`@`%`", "SELECT on _abc%.*"),
        ("GRANT EXECUTE ON PROCEDURE `other`.`do``it` TO `a`@`%`", "EXECUTE on other.do`it"),
        ("GRANT `reader` TO `a`@`%`", "the role reader"),
        ("GRANT PROXY ON ''@'%' TO 'a'@'%'", "log in as another account (PROXY)"),
    ],
    ids=["global", "table", "table-like-own", "database", "all", "prefix", "procedure", "role", "proxy"],
)
def test_grant_beyond_is_named(line: str, beyond: str) -> None:
    assert grants_beyond([USAGE, line], OWN, [OWN]) == [beyond]


@pytest.mark.parametrize(
    "line",
    [
        "GRANT SELECT ON `_abc1`.`tabUser` TO `a`@`%`",
        "GRANT EXECUTE ON FUNCTION `_abc1`.`f` TO `a`@`%`",
        "SET DEFAULT ROLE `reader` FOR `a`@`%`",
    ],
)
def test_part_of_the_own_database_is_nothing_beyond(line: str) -> None:
    assert grants_beyond([line], OWN, [OWN]) == []


def test_wildcard_is_named_for_each_database_that_it_opens() -> None:
    line = "GRANT ALL PRIVILEGES ON `_abc1`.* TO `_abc1`@`localhost`"

    assert grants_beyond([line], OWN, [OWN, "information_schema"]) == []
    assert grants_beyond([line], OWN, [OWN, "xabc1", "xabc12"]) == ["ALL PRIVILEGES on xabc1 (_abc1 has a wildcard)"]


def test_no_hash_of_a_password_is_told() -> None:
    assert "*2470" not in repr(grants_beyond([USAGE.replace("USAGE", "PROCESS")], OWN, []))
