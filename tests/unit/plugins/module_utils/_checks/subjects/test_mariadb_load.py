"""How many clients a server has, and how many fail."""

from __future__ import annotations

import pytest

from tests.server_doubles import ServerDouble, look


def connections(used: float, peak: float, refused: float = 0, seconds: float = 60) -> ServerDouble:
    return ServerDouble(
        variables={"max_connections": 100},
        counters={"Threads_connected": used, "Max_used_connections": peak},
        growth={"Connection_errors_max_connections": refused},
        seconds=seconds,
    )


@pytest.mark.parametrize(
    ("used", "peak", "severity", "peak_severity"),
    [(80, 85, "ok", "ok"), (81, 86, "warning", "warning"), (96, 100, "critical", "warning")],
)
def test_connections_in_use(used: float, peak: float, severity: str, peak_severity: str) -> None:
    found = look("D03", connections(used, peak))

    assert (found[""].severity, found["peak"].severity) == (severity, peak_severity)
    assert found[""].text == f"{used:.0f} of 100 connections are in use"


def test_refused_connection_is_critical() -> None:
    found = look("D03", connections(5, 100, refused=2))

    assert found[""].severity == "critical"
    assert found[""].text.startswith("2 connections refused because all were taken; ")


def test_connections_in_use_are_known_from_one_sample() -> None:
    assert look("D03", connections(5, 5, seconds=0))[""].severity == "ok"


@pytest.mark.parametrize(
    ("running", "host", "severity"),
    [(1, "db.example.com", "ok"), (62, "db.example.com", "critical"), (42, "db.example.com", "warning")],
)
def test_threads_that_run(running: float, host: str, severity: str) -> None:
    server = ServerDouble(variables={"max_connections": 60}, counters={"Threads_running": running}, host=host)

    finding = look("D04", server)[""]

    assert (finding.severity, finding.value) == (severity, running - 1)


def test_threads_that_ran_for_a_moment_are_not_counted() -> None:
    server = ServerDouble(
        variables={"max_connections": 60}, counters={"Threads_running": 100}, growth={"Threads_running": 99}
    )

    assert look("D04", server)[""].value == 0


@pytest.mark.parametrize(
    ("connections", "failed", "severity"),
    [(1000, 30, "ok"), (1000, 31, "warning"), (1000, 101, "critical"), (49, 49, "ok")],
)
def test_aborted_connections(connections: float, failed: float, severity: str) -> None:
    server = ServerDouble(growth={"Connections": connections, "Aborted_connects": failed, "Aborted_clients": 0})

    found = look("D05", server)

    assert (found["logins"].severity, found["clients"].severity) == (severity, "ok")


def test_aborted_connections_need_two_samples() -> None:
    server = ServerDouble(counters={"Connections": 5}, seconds=0)

    assert look("D05", server)[""].severity == "unknown"
