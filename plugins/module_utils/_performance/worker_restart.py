"""Starting one worker of RQ anew: its job first, then its end, then another one in its place."""

from __future__ import annotations

import math
import time
from typing import Callable

from .._bench.processes import is_alive
from .._queue.jobs import Queue
from .._system.errors import LifeboatError
from .queue_workers import QueueWorker, ask_to_end

POLL_SECONDS = 0.05
# By itself a manager starts again within a second or two what ended; after this it is told to.
UNTOLD_SECONDS = 5.0
# A worker imports the whole application before it registers.
SUCCESSOR_SECONDS = 120.0


def restart_worker(
    worker: QueueWorker,
    redis_url: str,
    queue: Queue,
    timeout_seconds: float,
    start_again: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Let a worker finish its job and end, and wait for the one that takes its place.

    Args:
        worker: The worker.
        redis_url: The URL of the queue's Redis; it may hold a password.
        queue: The bench's queues.
        timeout_seconds: How long its job is waited for.
        start_again: Has its manager start it, where that does not by itself.
        clock: Monotonic seconds.

    Returns:
        False where its job takes longer; it was told, so it ends after it, and its manager starts it anew.

    Raises:
        LifeboatError: ``restart_failed`` when none took its place, ``redis_unavailable``, ``library_missing``.
    """
    before = {each.name for each in queue.live_workers()}
    deadline = clock() + timeout_seconds
    if not ask_to_end(redis_url, worker, timeout_seconds, clock=clock):
        return False
    while is_alive(worker.pid):
        if clock() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    told_at = clock() + UNTOLD_SECONDS
    deadline = clock() + SUCCESSOR_SECONDS
    while not any(each.name not in before and each.queues == worker.queues for each in queue.live_workers()):
        if clock() >= deadline:
            raise LifeboatError(
                f"Cannot restart the worker of {', '.join(worker.queues)}: it ended after its job, and none took its "
                "place. The workers after it were not touched. Read its log, then run this again.",
                "restart_failed",
                {"queues": list(worker.queues)},
            )
        if clock() >= told_at:
            told_at = math.inf
            start_again()
        time.sleep(POLL_SECONDS)
    return True
