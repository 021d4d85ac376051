"""Where a rule looks: folders that are there, each once."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Age
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.registry import Place, Rule, places_of


def test_real_folders_are_looked_at_once(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "logs")
    (tmp_path / "file").touch()
    names = ("logs", "link", "file", "none")
    rule = Rule("x", "x", "x", Age(1), lambda _benches: [Place(tmp_path / name, ("*.gz",), 1) for name in names])
    assert list(places_of(rule, [])) == [Place(tmp_path / "logs", ("*.gz",), 1)]
