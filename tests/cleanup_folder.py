"""A bench made of files whose logs are as old as a test wants them."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench

DAY_SECONDS = 86400


def make_bench(folder: Path) -> Bench:
    """Make a bench with one site."""
    site = folder / "frappe-bench" / "sites" / "a.example"
    (site / "logs").mkdir(parents=True)
    (site / "site_config.json").write_text('{"db_name": "_a"}')
    (site.parent / "common_site_config.json").write_text("{}")
    for name in ("apps", "env", "logs"):
        (folder / "frappe-bench" / name).mkdir()
    return Bench(folder / "frappe-bench")


def make_file(path: Path, now: float, age_days: float, content: str = "x" * 5000) -> Path:
    """Make a file that was changed so many days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    modified = now - age_days * DAY_SECONDS
    os.utime(path, (modified, modified))
    return path
