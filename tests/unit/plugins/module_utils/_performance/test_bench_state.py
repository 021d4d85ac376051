from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.bench_state import bench_folder, bench_lock
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.configuration_run import ConfigurationRequest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lock import SiteLock
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_lock_of_a_bench_is_that_of_its_configuration(tmp_path: Path) -> None:
    bench = Bench(Path("/home/frappe/frappe-bench"))
    assert bench_folder(tmp_path, bench) == tmp_path / "-home-frappe-frappe-bench"
    configuration = ConfigurationRequest(bench, "", tmp_path)
    change = SiteLock(tmp_path, configuration.owner).hold("site_config")
    restart = bench_lock(tmp_path, bench).hold("rolling_restart")
    with change, pytest.raises(LifeboatError, match="is locked"), restart:
        pass
