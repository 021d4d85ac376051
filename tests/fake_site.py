"""A site and its bench that are made of files and of a few statements' answers."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.site import SiteTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult

from tests.check_runs import run_one

# A site without a time zone writes the time of Asia/Kolkata.
NOW_SECONDS = 2_000_000_000.0
LOCAL_NOW = "2033-05-18 09:03:20"
NAME = "erp.example.com"


@contextmanager
def unserved_port() -> Iterator[int]:
    """A port of this host that is bound, so that nobody else can serve it meanwhile, and not served."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


class AnsweredSite(SiteTarget):
    """A site whose database answers what it was told."""

    answers: dict[str, list[tuple[Any, ...]]]

    def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of the first answer whose words are in the statement."""
        filled = " ".join([statement, *map(str, arguments)])
        return next((rows for words, rows in self.answers.items() if words in filled), [])


class FakeSite:
    """A bench with one site, with nothing in its database but a scheduler that is on.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder / "frappe-bench")
        self.site = self.bench.site(NAME)
        self.answers: dict[str, list[tuple[Any, ...]]] = {"System Settings": [("enable_scheduler", "1")]}
        self.surroundings = Surroundings(
            root=folder, now=lambda: NOW_SECONDS, runner=lambda arguments: CommandResult(tuple(arguments), 1, "", "")
        )
        (folder / "proc").mkdir()
        self.configure()
        self.write("sites/common_site_config.json", "{}")

    def write(self, relative: str, text: str) -> Path:
        """Write a file of the bench."""
        path = self.bench.path / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def configure(self, **values: Any) -> None:
        """Replace the site's configuration; it always names the database."""
        configuration = {"db_name": "_1", "db_password": "secret", **values}
        self.write(f"sites/{NAME}/site_config.json", json.dumps(configuration))

    def site_target(self, **changes: Any) -> AnsweredSite:
        """Make the target of the site as it is now."""
        surroundings = replace(self.surroundings, **changes)
        target = AnsweredSite(self.site, BenchTarget(self.bench, surroundings), surroundings)
        target.answers = self.answers
        return target

    def bench_target(self, **changes: Any) -> BenchTarget:
        """Make the target of the bench as it is now."""
        return BenchTarget(self.bench, replace(self.surroundings, **changes))

    def look(self, check_id: str, **changes: Any) -> dict[str, Finding]:
        """Run a check of the site, and return its findings by their items."""
        return {finding.item: finding for finding in run_one(check_id, self.site_target(**changes))}

    def look_at_bench(self, check_id: str, **changes: Any) -> dict[str, Finding]:
        """Run a check of the bench, and return its findings by their items."""
        return {finding.item: finding for finding in run_one(check_id, self.bench_target(**changes))}
