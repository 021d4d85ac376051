"""The scheduler: enqueues a job for each site at each tick, unless the site's scheduler is off or paused."""

from __future__ import annotations

import fcntl
import time
from typing import Any

import pymysql
import redis

from frappe.site import common_configuration, configuration, connect, sites_path
from frappe.utils.background_jobs import bench_id, enqueue

TICK_SECONDS = 60


def run() -> None:
    """Tick for ever, as the only scheduler of the bench: its lock tells."""
    lock = (sites_path().parent / "config" / "scheduler_process").open("a")
    fcntl.flock(lock, fcntl.LOCK_EX)
    while True:
        time.sleep(TICK_SECONDS)
        with redis.Redis.from_url(common_configuration()["redis_queue"]) as queue:
            for path in sorted(sites_path().glob("*/site_config.json")):
                _tick(queue, path.parent.name)


def _tick(queue: redis.Redis, site: str) -> None:
    try:
        if _is_active(configuration(site)):
            enqueue(queue, bench_id(), site, "frappe.ping", "default")
    except (pymysql.MySQLError, OSError, ValueError) as error:
        print(f"{site}: {type(error).__name__}", flush=True)


def _is_active(settings: dict[str, Any]) -> bool:
    if settings.get("maintenance_mode") or settings.get("pause_scheduler"):
        return False
    connection = connect(settings)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT value FROM tabSingles WHERE doctype = 'System Settings' AND field = 'enable_scheduler'"
            )
            return bool(cursor.fetchone() == ("1",))
    finally:
        connection.close()
