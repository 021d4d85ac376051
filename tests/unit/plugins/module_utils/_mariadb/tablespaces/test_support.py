from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces import support
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.schema import Schema, TableDefinition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.support import (
    check_support,
    encrypted_files,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

DEFAULT = "DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"


def schema_of(*tables: tuple[str, str, str]) -> Schema:
    """Return a schema of tables given as name, engine, and what follows the columns."""
    definitions = (
        TableDefinition(name, engine, name, f"CREATE TABLE `{name}` (\n  `a` int(11) DEFAULT NULL{rest}")
        for name, engine, rest in tables
    )
    return Schema("utf8mb4", "utf8mb4_unicode_ci", tuple(definitions), (), (), ())


@pytest.mark.parametrize(
    ("engine", "rest", "reason"),
    [
        ("Aria", f"\n) ENGINE=Aria {DEFAULT}", "its engine is Aria"),
        ("InnoDB", f"\n) ENGINE=InnoDB {DEFAULT}\n PARTITION BY HASH (`a`)\nPARTITIONS 2", "partitioned"),
        ("InnoDB", f"\n) ENGINE=InnoDB {DEFAULT} DATA DIRECTORY='/srv/'", "outside of its database"),
        ("InnoDB", f"\n) ENGINE=InnoDB {DEFAULT} `page_compressed`='1'", "pages are compressed"),
        ("InnoDB", f"\n) ENGINE=InnoDB {DEFAULT} `PAGE_COMPRESSED`=1", "pages are compressed"),
        ("InnoDB", f",\n  VECTOR KEY `v` (`v`)\n) ENGINE=InnoDB {DEFAULT}", "vector index"),
    ],
    ids=["engine", "partitions", "directory", "compressed", "compressed-upper", "vector"],
)
def test_table_whose_files_do_not_stand_for_themselves_is_named(engine: str, rest: str, reason: str) -> None:
    schema = schema_of(("fine", "InnoDB", f"\n) ENGINE=InnoDB {DEFAULT}"), ("odd", engine, rest))
    with pytest.raises(LifeboatError, match=rf"database _abc as files: odd cannot .*{reason}\. ") as caught:
        check_support("_abc", schema, ())
    assert caught.value.error_code == "physical_unsupported"
    assert list(caught.value.details["tables"]) == ["odd"]


def test_all_tables_that_are_encrypted_are_counted() -> None:
    schema = schema_of(*((name, "InnoDB", f"\n) ENGINE=InnoDB {DEFAULT}") for name in ("a", "b", "c")))
    with pytest.raises(LifeboatError, match=r"b cannot .*it is encrypted \(1 more tables as well\)"):
        check_support("_abc", schema, {"b", "c", "other"})


def test_comments_are_no_options() -> None:
    comment = r"COMMENT='it''s \'a\' DATA DIRECTORY= page_compressed=1'"
    check_support("_abc", schema_of(("t", "MyISAM", f" {comment}\n) ENGINE=MyISAM {DEFAULT} {comment}")), ())


def test_encrypted_files_are_those_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [("_abc/tab@0020X",), ("_abc2/tabY",), ("innodb_system",), (None,)]
    monkeypatch.setattr(support, "fetch_all", lambda _connection, _statement: names)
    assert encrypted_files(None, "_abc") == {"tab@0020X"}
