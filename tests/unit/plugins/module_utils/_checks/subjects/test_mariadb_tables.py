"""Temporary tables, the cache of open tables, and open files."""

from __future__ import annotations

import pytest

from tests.server_doubles import ServerDouble, look


@pytest.mark.parametrize(
    ("made", "on_disk", "severity"),
    [(1000, 250, "ok"), (1000, 251, "warning"), (1000, 501, "critical"), (199, 199, "ok")],
)
def test_temporary_tables(made: float, on_disk: float, severity: str) -> None:
    server = ServerDouble(growth={"Created_tmp_tables": made, "Created_tmp_disk_tables": on_disk})

    assert look("D17", server)[""].severity == severity


@pytest.mark.parametrize(
    ("overflows", "opened", "tables", "severities"),
    [
        (0, 3000, 400, ("ok", "ok", "ok")),
        (1, 3001, 401, ("warning", "warning", "warning")),
    ],
)
def test_table_cache(overflows: float, opened: float, tables: int, severities: tuple[str, str, str]) -> None:
    server = ServerDouble(
        variables={"table_open_cache": 2000, "table_definition_cache": 400},
        growth={"Table_open_cache_overflows": overflows, "Opened_tables": opened},
        answers={"INNODB_SYS_TABLESPACES": [(tables,)]},
    )

    found = look("D18", server)

    assert tuple(found[item].severity for item in ("overflows", "opened", "definitions")) == severities


def test_account_of_a_site_sees_no_tables() -> None:
    server = ServerDouble(
        variables={"table_open_cache": 2000, "table_definition_cache": 400},
        growth={"Table_open_cache_overflows": 0, "Opened_tables": 1},
        answers={"INNODB_SYS_TABLESPACES": "refused with error 1227"},
    )

    found = look("D18", server)

    assert {item: finding.severity for item, finding in found.items()} == {
        "overflows": "ok",
        "opened": "ok",
        "": "unknown",
    }


@pytest.mark.parametrize(("files", "severity"), [(750, "ok"), (751, "warning"), (901, "critical")])
def test_open_files(files: float, severity: str) -> None:
    counters = {"Open_files": 100, "Innodb_num_open_files": files - 100}
    server = ServerDouble(variables={"open_files_limit": 1000}, counters=counters)

    finding = look("D19", server)[""]

    assert (finding.severity, finding.text) == (severity, f"{files:.0f} of 1000 files are open")


def test_limit_that_is_not_known_is_unknown() -> None:
    assert look("D19", ServerDouble(counters={"Open_files": 1}))[""].severity == "unknown"
