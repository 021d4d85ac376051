from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._system.replacing import replace_text


def test_text_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_text("old")
    path.chmod(0o644)
    replace_text(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]
