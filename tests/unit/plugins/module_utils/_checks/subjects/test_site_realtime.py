from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import NotApplicableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_realtime import realtime

from tests.fake_realtime import RealtimeServer
from tests.fake_site import FakeSite, unserved_port


@pytest.mark.parametrize("port", ["", "0x", None])
def test_bench_without_a_realtime_server_is_skipped(tmp_path: Path, port: str | None) -> None:
    fake = FakeSite(tmp_path)
    fake.write("sites/common_site_config.json", "{}" if port is None else f'{{"socketio_port": "{port}"}}')
    with pytest.raises(NotApplicableError, match="socketio_port"):
        list(realtime(fake.bench_target()))


def test_port_that_nobody_serves_fails_in_both_ways(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    with unserved_port() as port:
        fake.write("sites/common_site_config.json", f'{{"socketio_port": {port}}}')
        findings = fake.look_at_bench("F19")
    assert {item: finding.severity for item, finding in findings.items()} == {
        "polling": "warning",
        "websocket": "warning",
    }
    assert "ConnectionRefusedError" in findings["polling"].text


def test_handshake_is_tried_in_both_ways(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    with RealtimeServer() as server:
        fake.write("sites/common_site_config.json", f'{{"socketio_port": {server.port}}}')
        findings = fake.look_at_bench("F19")
        assert [finding.severity for finding in findings.values()] == ["ok", "ok"]
        server.speaks_websocket = False
        assert fake.look_at_bench("F19")["websocket"].text == "the handshake by websocket gets status 200"
