"""Reads that the buffer pool could not answer, and waits for a free page of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings

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


@pytest.mark.parametrize(
    ("waits", "waits_before", "severity"),
    [(0, 5, "ok"), (1, 0, "warning"), (1, None, "warning"), (1, 5, "critical")],
)
def test_waits_of_two_runs_in_a_row_are_critical(waits: float, waits_before: float | None, severity: str) -> None:
    values = {} if waits_before is None else {"D12|127.0.0.1:3306|": waits_before}
    history = History([{"at_seconds": 5.0, "values": values}])
    growth = {
        "Innodb_buffer_pool_wait_free": waits,
        "Innodb_buffer_pool_read_ahead": 0,
        "Innodb_buffer_pool_read_ahead_evicted": 0,
    }
    surroundings = Surroundings(root=Path("/nonexistent"), history=history)
    finding = look("D12", ServerDouble(growth=growth, surroundings=surroundings))[""]

    assert finding.severity == severity
    assert ("in the run before as well" in finding.text) is (severity == "critical")


@pytest.mark.parametrize(
    ("fetched", "evicted", "severity"), [(1000, 200, "ok"), (1000, 201, "warning"), (999, 999, "ok")]
)
def test_pages_that_were_read_ahead_for_nothing(fetched: float, evicted: float, severity: str) -> None:
    growth = {
        "Innodb_buffer_pool_wait_free": 0,
        "Innodb_buffer_pool_read_ahead": fetched,
        "Innodb_buffer_pool_read_ahead_evicted": evicted,
    }

    assert look("D12", ServerDouble(growth=growth))["read ahead"].severity == severity
