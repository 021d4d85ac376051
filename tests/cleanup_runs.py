"""Requests of a cleanup as a module would make them, with what a test wants otherwise."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Callable

import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import chosen_ages, chosen_tasks
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Caps
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.planning import CleanupRequest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean


def request_of(folder: Path, benches: Sequence[Bench], rules: Mapping[str, Any], **changes: Any) -> CleanupRequest:
    """Return the request of a cleanup that looks at no pressure of this host.

    Args:
        folder: Stands for ``/``; the state lies in it.
        benches: The benches of the host.
        rules: The rules that are on, with their settings.
        changes: Other values for fields of the request.
    """
    given: dict[str, Any] = {
        "state_path": folder / "state",
        "benches": benches,
        "ages": chosen_ages(rules),
        "caps": Caps(10**12, 1000),
        "timeout_seconds": 600,
        "protected": (),
        "quarantine": False,
        "grace_days": 7,
        "now": time.time(),
        "tasks": chosen_tasks(rules),
        "root": folder,
    }
    return CleanupRequest(**{**given, **changes})


def clean(folder: Path, benches: Sequence[Bench], rules: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Clean up, and return the result of the module."""
    return run_clean(request_of(folder, benches, rules, **changes), None, check_mode=False)


def kill_at_job(number: int, work: Callable[[], Any]) -> None:
    """Do something in a process of its own that ends, as by kill -9, when it hands the n-th job to Redis."""

    def clean() -> None:
        jobs = 0
        script = redis.client.Pipeline.eval

        def counted(*arguments: Any) -> Any:
            nonlocal jobs
            jobs += 1
            if jobs == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return script(*arguments)

        redis.client.Pipeline.eval = counted
        work()

    process = multiprocessing.get_context("fork").Process(target=clean)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
