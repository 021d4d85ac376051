"""Drills of a site of a lab, each test with a state of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.drill_records import read_drill_records
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.phases import OnPhase
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.request import DrillRequest
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.run import DrillResult, run_drill
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter
from ansible_collections.lifeboat.frappe.plugins.modules import site_drill

from tests.lab.backups import BackupFiles
from tests.lab.lab import Lab
from tests.modules import run_module
from tests.whole_recovery import WholeRecovery

SITE = "alpha.localhost"


class Drills:
    """Drills sites of a lab, each test with a state of its own."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        self.state_path = folder / "state"
        self.sets_path = folder / "sets"
        self.recovery = WholeRecovery(lab, SITE, self.state_path)
        self.options: dict[str, Any] = {
            **self.recovery.options,
            "repository_path": str(folder / "repository"),
            "paths": [str(self.sets_path)],
            "reserve_bytes": 0,
            "slowdown_limit": 0,
        }

    def back_up(self, **options: Any) -> BackupFiles:
        """Make a set of the site as it is now."""
        return self.lab.backup(SITE, folder=self.sets_path, **options)

    def run(self, **options: Any) -> dict[str, Any]:
        """Run the module; return its result."""
        return run_module(site_drill, **{**self.options, **options})

    def failed(self, **options: Any) -> dict[str, Any]:
        """Run a drill that must fail; return its record."""
        result = self.run(**options)
        assert result["failed"], result
        record: dict[str, Any] = result["details"]["record"]
        assert (record["outcome"], record["error"]["code"]) == ("failed", result["error_code"])
        assert read_drill_records(self.state_path, SITE)[-1] == record
        return record

    def left(self) -> list[str]:
        """Name what drills left in the folder of the state."""
        return sorted(str(path.relative_to(self.state_path)) for path in self.state_path.rglob("*"))

    def run_watched(self, on_phase: OnPhase, progress: ProgressReporter | None = None, **changes: Any) -> DrillResult:
        """Run a drill without the module, so that a fault can be injected between its phases."""
        request = DrillRequest(
            site=Bench(self.lab.bench_path).site(SITE),
            state_path=self.state_path,
            login=self.lab.login,
            repository=Repository(self.folder / "repository"),
            paths=(self.sets_path,),
            slowdown_limit=0,
            reserve_bytes=0,
        )
        return run_drill(
            replace(request, **changes), progress or ProgressReporter(), lambda: datetime.now(timezone.utc), on_phase
        )
