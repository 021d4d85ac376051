"""What a file of a plan must pass before it goes."""

from __future__ import annotations

import time
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Age, Protection
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.guard import guard_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.items import FileIdentity, Item
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.registry import Place, Rule

from tests.cleanup_folder import make_file


def test_name_depth_and_newest_are_looked_at_again(tmp_path: Path) -> None:
    logs = tmp_path.resolve() / "logs"
    places = [Place(logs, ("*.gz",), depth=1), Place(logs, ("*.xz",))]
    rule = Rule("logs", "x", "x", Age(60, 1), lambda _benches: places)
    for age_days, name in enumerate(("new.gz", "old.gz", "inner/deep.gz", "inner/new.xz", "inner/old.xz", "web.log")):
        make_file(logs / name, time.time(), age_days)

    def why(name: str, rule_id: str = "logs", keep_newest: int = 1) -> str:
        item = Item(rule_id, str(logs), str(logs / name), 1, 1, "old", FileIdentity(1, 2, 3, 4))
        return guard_of([rule], [], Protection(), [item], {"logs": keep_newest}).why_kept(item)

    assert [why(name) for name in ("old.gz", "inner/old.xz")] == ["", ""]
    assert [why(name) for name in ("new.gz", "inner/new.xz")] == ["one of the newest", "one of the newest"]
    assert why("new.gz", keep_newest=0) == ""
    assert [why(name) for name in ("inner/deep.gz", "web.log", "../logs/old.gz")] == ["protected"] * 3
    assert why("old.gz", rule_id="others") == "protected"
