"""The lookup that builds the program lifeboat-health."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible import constants
from ansible_collections.lifeboat.frappe.plugins.lookup.health_program import LookupModule
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.health_program import health_program


def test_program_is_built_for_each_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    paths = [Path(path) for path in LookupModule().run(["/usr/bin/python3", "/opt/python"])]
    assert [path.read_bytes() for path in paths] == [health_program("/usr/bin/python3"), health_program("/opt/python")]
    assert all(tmp_path in path.parents for path in paths), "Ansible removes it from there"
