"""A database server that answers from what a test gives it: variables, counters of two samples, rows of statements."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Sample
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.database_server import DatabaseServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions

from tests.check_runs import run_one

NOW_SECONDS = 1_800_000_000.0
UPTIME_SECONDS = 100_000.0


class ServerDouble(DatabaseServer):
    """A server without a connection.

    Args:
        variables: Its global variables.
        counters: Its status counters now.
        growth: By how much counters grew since the sample before; one that is not named did not.
        seconds: The time between the two samples; 0 where there is one sample alone.
        answers: The rows of a statement, by a part of its text, or the reason for which it is refused.
        host: Where it runs.
        surroundings: The I/O besides.
    """

    def __init__(
        self,
        *,
        variables: Mapping[str, Any] | None = None,
        counters: Mapping[str, float] | None = None,
        growth: Mapping[str, float] | None = None,
        seconds: float = 60,
        answers: Mapping[str, list[tuple[Any, ...]] | str] | None = None,
        host: str = "127.0.0.1",
        surroundings: Surroundings | None = None,
    ) -> None:
        super().__init__(
            f"{host}:3306",
            surroundings or Surroundings(root=Path("/nonexistent"), now=lambda: NOW_SECONDS),
            [LoginOptions(login_host=host)],
            {"_erp": "erp.example.com"},
        )
        self._answers = {"SHOW GLOBAL VARIABLES": list((variables or {}).items()), **(answers or {})}
        grown = {"Uptime": UPTIME_SECONDS, **(growth or {}), **(counters or {})}
        before = {name: value - (growth or {}).get(name, 0) for name, value in grown.items()}
        started = NOW_SECONDS - UPTIME_SECONDS
        self._samples = [Sample(NOW_SECONDS - seconds, started, before)] if seconds else []
        self._samples.append(Sample(NOW_SECONDS, started, grown))

    def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows that the test gave."""
        del arguments
        answer = next(answer for part, answer in self._answers.items() if part in statement)
        if isinstance(answer, str):
            raise UnmeasurableError(answer)
        return answer

    def read_sample(self) -> Sample:
        """Return the sample before, then that of now."""
        return self._samples.pop(0) if len(self._samples) > 1 else self._samples[0]


def look(check_id: str, server: ServerDouble, **options: Any) -> dict[str, Finding]:
    """Run a check on it and return the findings by their item."""
    return {finding.item: finding for finding in run_one(check_id, server, sample_seconds=0.001, **options)}
