"""The lookup that builds the programs that a host runs without Ansible."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible import constants
from ansible.plugins.loader import lookup_loader
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.packed_program import ENTRIES, packed_program


def test_each_program_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    lookup = lookup_loader.get("lifeboat.frappe.packed_program")
    paths = [Path(path) for path in lookup.run(sorted(ENTRIES), python="/opt/python")]
    assert [path.read_bytes() for path in paths] == [packed_program(name, "/opt/python") for name in sorted(ENTRIES)]
    assert [path.name for path in paths] == sorted(ENTRIES)
    assert all(tmp_path in path.parents for path in paths), "Ansible removes it from there"
