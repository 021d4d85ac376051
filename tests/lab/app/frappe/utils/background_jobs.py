"""The queue: putting jobs into it, the worker, and what a worker runs."""

from __future__ import annotations

import importlib
import os
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import redis
from rq import VERSION, Queue, Worker

from frappe.site import common_configuration, configuration, connect

TIMEOUT_SECONDS = {"short": 300, "default": 300, "long": 1500}


def execute_job(
    site: str,
    method: str,
    event: str | None = None,
    job_name: str | None = None,
    kwargs: dict[str, Any] | None = None,
    user: str | None = None,
    is_async: bool = True,
    retry: int = 0,
) -> Any:
    """Run a method for a site, with the site's database open as the application has it."""
    del event, job_name, user, is_async, retry
    connection = connect(configuration(site))
    try:
        module, _dot, function = method.rpartition(".")
        work = getattr(importlib.import_module(module), function)
        arguments = kwargs or {}
        return work(connection, **arguments) if module == __name__ else work(**arguments)
    finally:
        connection.close()


def write_slowly(
    connection: Any, seconds: float, marker: str, writes_a_second: int = 4, until: str = "/nonexistent"
) -> int:
    """Write a row, commit, sleep a little, until the seconds are over or a file is there: a job to wait for."""
    deadline = time.monotonic() + seconds
    written = 0
    while time.monotonic() < deadline and not Path(until).exists():
        now = datetime.now(ZoneInfo("Asia/Kolkata")).replace(tzinfo=None)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO tabToDo (name, creation, modified, owner, status, description) "
                "VALUES (%s, %s, %s, 'Administrator', 'Open', %s)",
                (uuid.uuid4().hex[:10], now, now, marker),
            )
        connection.commit()
        written += 1
        time.sleep(1 / writes_a_second)
    return written


def bench_id() -> str:
    """Return the prefix of the bench's queues: its path with dashes."""
    return os.fspath(Path.cwd()).strip("/").replace("/", "-")


def enqueue(connection: redis.Redis, bench: str, site: str, method: str, queue: str = "short", **kwargs: Any) -> str:
    """Put a job for a site into a queue and return the job's id."""
    # As Frappe does with the RQ that it pins; RQ 2 takes no colon.
    job_id = f"{site}{'::' if VERSION.startswith('1.') else '||'}{uuid.uuid4()}"
    Queue(f"{bench}:{queue}", connection=connection).enqueue_call(
        "frappe.utils.background_jobs.execute_job",
        kwargs={"site": site, "user": "Administrator", "method": method, "kwargs": kwargs, "is_async": True},
        timeout=TIMEOUT_SECONDS[queue],
        job_id=job_id,
        failure_ttl=7 * 86400,
        result_ttl=600,
    )
    return job_id


def work(queue_names: list[str]) -> None:
    """Run the jobs of these queues until a signal ends it."""
    connection = redis.Redis.from_url(common_configuration()["redis_queue"])
    queues = [Queue(f"{bench_id()}:{name}", connection=connection) for name in queue_names]
    Worker(queues, name=uuid.uuid4().hex, connection=connection).work(logging_level="WARNING")
