"""What of debug mode lies on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.state import (
    CLOCK_TOLERANCE_SECONDS,
    OWNER,
    DebugState,
    Ended,
    ServerDebug,
    SiteDebug,
    StateFiles,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.variables import Change
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions

NOW = 1_800_000_000.0
ONE = SiteDebug("one", "/b", 30, NOW, NOW + 1800, {"monitor": 1}, "db:1")
TWO = SiteDebug("two", "/b", 30, NOW, NOW + 1800, {}, "db:2")
SERVERS = tuple(ServerDebug(f"db:{n}", {"slow_query_log": Change("OFF", ("ON",))}, "/d/x.log") for n in (1, 2))
STATE = DebugState((ONE, TWO), SERVERS, 10.0, 1024, "abc")


@pytest.mark.parametrize(
    ("seconds", "is_over"),
    [(0, False), (1799, False), (1800, True), (-CLOCK_TOLERANCE_SECONDS, False), (-CLOCK_TOLERANCE_SECONDS - 1, True)],
)
def test_time_is_over_at_its_end_and_where_the_clock_was_set_back(seconds: float, *, is_over: bool) -> None:
    assert ONE.is_over(NOW + seconds) is is_over


def test_state_is_read_as_it_was_written_and_goes_with_the_login(tmp_path: Path) -> None:
    files = StateFiles(tmp_path / "state")
    assert files.read() == DebugState()
    assert files.read_proof() == ""
    assert files.read_ended() is None
    assert files.read_logins() == {}
    files.write(DebugState())
    assert not (tmp_path / "state").exists()

    login = LoginOptions("root", "hidden", "db", 1)
    files.write_logins({"db:1": login})
    files.write(STATE)
    files.write_proof("abc")
    assert files.read() == STATE
    assert files.read_logins() == {"db:1": login}
    assert files.read_proof() == "abc"
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "state" / OWNER).iterdir()} == {0o600}

    ended = Ended(NOW, "its time was over", ("note",), ({"path": "/d/x.log", "bytes": 3},), ("/d/x.log",))
    files.write_ended(ended)
    files.write(DebugState())
    assert files.read_ended() == ended
    assert [path.name for path in (tmp_path / "state" / OWNER).iterdir()] == ["ended.json"]


def test_servers_that_no_site_needs_are_idle() -> None:
    assert STATE.idle_servers() == []
    left = STATE.without_sites(["one"])
    assert [server.address for server in left.idle_servers()] == ["db:1"]
    assert left.without_server("db:1") == DebugState((TWO,), SERVERS[1:], 10.0, 1024, "abc")
    assert left.is_on
    assert not DebugState().is_on
    assert DebugState(servers=SERVERS).is_on


def test_sites_and_servers_are_replaced_by_their_names() -> None:
    longer = SiteDebug("one", "/b", 60, NOW, NOW + 3600, {"monitor": 1}, "db:1")
    state = STATE.with_sites([longer]).with_servers([ServerDebug("db:1", {})])
    assert state.site("one") == longer
    assert state.site("nobody") is None
    assert len(state.sites) == len(state.servers) == 2
    assert state.changes("db:1") == state.changes("db:9") == {}
