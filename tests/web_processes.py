"""The web processes of a bench, one at a time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.services import (
    find_services,
    web_master_pids,
    web_worker_pids,
)

from tests.lab import Lab
from tests.lab.processes import wait_until

WEB_PROCESSES = 2


def web_masters(lab: Lab) -> list[int]:
    """Find the masters of the web processes that run now."""
    bench = Bench(lab.bench_path)
    return web_master_pids(bench, find_services(bench))


def each_web_process(lab: Lab) -> Iterator[int]:
    """Yield each web process while it alone serves: by chance, the same one might answer every time."""
    masters = web_masters(lab)
    wait_until(lambda: len(web_worker_pids(masters)) == WEB_PROCESSES, "the web processes")
    pids = web_worker_pids(masters)
    for pid in pids:
        others = [other for other in pids if other != pid]
        for other in others:
            os.kill(other, signal.SIGSTOP)
        try:
            yield pid
        finally:
            for other in others:
                os.kill(other, signal.SIGCONT)
