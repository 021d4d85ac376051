"""Reads that the buffer pool could not answer."""

from __future__ import annotations

import pytest

from tests.server_doubles import ServerDouble, look


def server(requests: float, reads: float, uptime: float = 100_000) -> ServerDouble:
    return ServerDouble(
        variables={"innodb_buffer_pool_size": 2**30},
        growth={"Innodb_buffer_pool_read_requests": requests, "Innodb_buffer_pool_reads": reads},
        counters={"Uptime": uptime},
    )


@pytest.mark.parametrize(
    ("requests", "reads", "severity"),
    [(100_000, 1000, "ok"), (100_000, 1001, "warning"), (100_000, 5001, "critical"), (9999, 9999, "ok")],
)
def test_share_of_misses(requests: float, reads: float, severity: str) -> None:
    finding = look("D10", server(requests, reads))[""]

    assert finding.severity == severity


def test_pool_of_a_young_server_is_still_being_filled() -> None:
    finding = look("D10", server(100_000, 5001, uptime=600))[""]

    assert finding.evidence == (
        "innodb_buffer_pool_size is 1.0 GiB",
        "the server was started less than an hour ago: its pool is still being filled",
    )
