"""``report_files`` on a host: what its action leaves to it."""

from __future__ import annotations

import stat
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.modules import report_files

from tests.modules import run_module

FILES = {"report.md": "# Well\n"}


def test_writes_what_only_its_owner_may_read(tmp_path: Path) -> None:
    folder = tmp_path / "recovery"
    options = {"path": "/where/ansible/runs", "host_path": str(folder), "files": FILES}
    assert run_module(report_files, check_mode=True, **options)["changed"]
    assert not folder.exists()
    written = run_module(report_files, **options)
    assert (written["changed"], written["path"]) == (True, "/where/ansible/runs")
    assert written["diff"][0]["after"] == (folder / "report.md").read_text() == "# Well\n"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "report.md")] == [0o700, 0o600]
    assert not run_module(report_files, **options)["changed"]


def test_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run_module(report_files, path="/srv", host_path=str(tmp_path / "file"), files=FILES)
    assert (result["failed"], result["error_code"]) == (True, "report_unwritable")
