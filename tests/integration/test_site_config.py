"""``site_config`` on a running bench: the application follows the keys that it changes, and nobody else notices."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import bench_at
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.configuration_run import ConfigurationRequest
from ansible_collections.lifeboat.frappe.plugins.modules import site_config

from tests.lab import Lab
from tests.lab.prober import ask
from tests.modules import run_module

ALPHA, BETA = "alpha.localhost", "beta.localhost"
OK, SERVICE_UNAVAILABLE = 200, 503


def test_application_follows_and_gets_its_values_back(lab: Lab) -> None:
    path = lab.site_path(ALPHA) / "site_config.json"
    before = path.read_bytes()

    def run(**options: Any) -> dict[str, Any]:
        places = {"bench_path": str(lab.bench_path), "state_path": str(lab.state_path)}
        return run_module(site_config, site=ALPHA, remember_as="rehearsal", **places, **options)

    assert run(values={"maintenance_mode": 1, "logging": 2})["keys"] == ["logging", "maintenance_mode"]
    assert [ask(lab.web_port, site, "/login") for site in (ALPHA, BETA)] == [SERVICE_UNAVAILABLE, OK]
    assert run(state="restored")["changed"]
    assert ask(lab.web_port, ALPHA, "/login") == OK
    assert json.loads(path.read_bytes()) == json.loads(before)
    assert not ConfigurationRequest(
        bench_at(lab.bench_path), ALPHA, lab.state_path, "rehearsal"
    ).originals_path.exists()
