"""InnoDB's redo log: how full it is, and whether it is large enough."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server_doubles import ServerDouble, look

MIB = 2**20
GIB = 2**30


def server(
    age: float = 10, waits: float = 0, written_bytes: float = 0, seconds: float = 60, **variables: Any
) -> ServerDouble:
    return ServerDouble(
        variables={
            "version": "10.11.19-MariaDB",
            "innodb_log_file_size": 96 * MIB,
            "innodb_buffer_pool_size": 8 * GIB,
            **variables,
        },
        counters={"Innodb_checkpoint_age": age, "Innodb_checkpoint_max_age": 100},
        growth={"Innodb_log_waits": waits, "Innodb_os_log_written": written_bytes},
        seconds=seconds,
    )


@pytest.mark.parametrize(("age", "severity"), [(70, "ok"), (71, "warning"), (86, "critical")])
def test_fill(age: float, severity: str) -> None:
    found = look("D13", server(age=age, written_bytes=1))

    assert (found[""].severity, found["waits"].severity) == (severity, "ok")
    assert "size" not in found  # a minute says nothing about an hour


def test_full_log_of_an_idle_server_is_no_trouble() -> None:
    assert look("D13", server(age=99, written_bytes=0))[""].severity == "ok"


def test_one_sample_is_not_enough() -> None:
    found = look("D13", server(age=71, seconds=0))

    assert {item: finding.severity for item, finding in found.items()} == {"": "unknown"}


def test_wait_for_the_buffer() -> None:
    assert look("D13", server(waits=1))["waits"].severity == "warning"


@pytest.mark.parametrize(("hour_bytes", "severity"), [(90 * MIB, "ok"), (100 * MIB, "warning"), (100 * GIB, "warning")])
def test_size(hour_bytes: float, severity: str) -> None:
    found = look("D13", server(written_bytes=hour_bytes, seconds=3600))

    assert found["size"].severity == severity


@pytest.mark.parametrize(
    ("hour_bytes", "version", "advice"),
    [
        (
            100 * MIB,
            "10.11.19-MariaDB",
            "advice: SET GLOBAL innodb_log_file_size = 512 * 1024 * 1024, "
            "and innodb_log_file_size = 512M in the option file",
        ),
        (1000 * MIB, "10.6.4-MariaDB", "advice: innodb_log_file_size = 1000M in the option file, and a restart"),
        (100 * GIB, "10.8.2-MariaDB", "advice: innodb_log_file_size = 8192M in the option file, and a restart"),
        (
            100 * GIB,
            "11.8.1-MariaDB",
            "advice: SET GLOBAL innodb_log_file_size = 8192 * 1024 * 1024, "
            "and innodb_log_file_size = 8192M in the option file",
        ),
    ],
)
def test_advice_fits_the_version(hour_bytes: float, version: str, advice: str) -> None:
    found = look("D13", server(written_bytes=hour_bytes, seconds=3600, version=version))

    assert found["size"].evidence == (advice,)


def test_several_files_of_old_versions_count_together() -> None:
    found = look("D13", server(written_bytes=100 * MIB, seconds=3600, innodb_log_files_in_group=2))

    assert found["size"].severity == "ok"
