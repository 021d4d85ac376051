"""Leaves something to clean up of each class on a bench's host, and something to leave alone.

/root/upkeep.json names the files of both, and holds the configuration of the site.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import redis

from tests.backup_sets import write_repository_set

BENCH = Path("/home/frappe/frappe-bench")
SITES = ("alpha.localhost", "beta.localhost")
LOGS, SITE_LOGS = BENCH / "logs", BENCH / "sites" / SITES[0] / "logs"
CACHE = Path("/home/frappe/.cache/pip/http-v2")
YARN, YARN_CACHE = Path("/usr/local/bin/yarn"), Path("/home/frappe/.cache/yarn")
REPORTS = Path("/tmp/reports")
MACHINE = Path("/etc/machine-id").read_text(encoding="utf-8").strip()
JOURNAL = Path("/var/log/journal") / MACHINE
NOW = time.time()
DAY_SECONDS = 86400
QUEUE = "home-frappe-frappe-bench"
REMOVED_SITE = "gone.localhost"
SETS = Path("/var/backups/lifeboat/sites") / SITES[0]
SET_NAMES = [f"202611{day}_030000-alpha_localhost" for day in (10, 11, 12, 13)]


def archived(number: int, age_days: float) -> Path:
    """Return the path of a file of the journal that journald has archived: by their numbers they have an order."""
    begun = int((NOW - age_days * DAY_SECONDS) * 1e6)
    return JOURNAL / f"system@{MACHINE}-{number:016x}-{begun:016x}.journal"


OLD = (
    LOGS / "worker.log.7",
    SITE_LOGS / "integrations.log.20",
    REPORTS / "of-last-month.csv",
    CACHE / "a" / "old",
    YARN_CACHE / "v6" / "npm-x" / "index.js",
    archived(1, 40),
    Path("/var/cache/apt/archives/tree_2.1.0-1_amd64.deb"),
    *(SETS / name for name in SET_NAMES[:2]),
)
KEPT = (
    LOGS / "worker.log.1",
    SITE_LOGS / "integrations.log.1",
    REPORTS / "being-written.csv",
    CACHE / "b" / "new",
    archived(2, 3),
    BENCH / "sites" / SITES[0] / "private" / "files" / "of-no-document.log.1",
    Path("/var/cache/apt/archives/lock"),
    *(SETS / name for name in SET_NAMES[2:]),
)


def make(path: Path, age_days: float) -> None:
    """Make a file that was changed so long ago, and that belongs to the bench's account below its home."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x" * 9000, encoding="utf-8")
    os.utime(path, (NOW - age_days * DAY_SECONDS,) * 2)
    if path.is_relative_to("/home/frappe"):
        for made in (path, *path.parents):
            if made != Path("/home/frappe") and made.is_relative_to("/home/frappe"):
                shutil.chown(made, "frappe", "frappe")


def rq_time(age_days: float) -> str:
    """Return when that was, as RQ writes it."""
    return (datetime.now(timezone.utc) - timedelta(days=age_days)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def leave_jobs(queue: redis.Redis[bytes]) -> None:
    """Leave failed jobs, of which one is too old and one the newest, and jobs that wait for a site that is gone."""
    for number, age_days in enumerate((30, 20)):
        job = f"{SITES[0]}::old-{number}"
        queue.hset(
            f"rq:job:{job}", mapping={"status": "failed", "ended_at": rq_time(age_days), "exc_info": "ValueError"}
        )
        queue.zadd(f"rq:failed:{QUEUE}:short", {job: NOW + DAY_SECONDS})
    for name, age_days in ((f"{REMOVED_SITE}::waits", 3), (f"{REMOVED_SITE}::today", 0)):
        queue.hset(f"rq:job:{name}", mapping={"status": "deferred", "created_at": rq_time(age_days)})
        queue.zadd(f"rq:deferred:{QUEUE}:short", {name: NOW})


def leave_keys(cache: redis.Redis[bytes]) -> None:
    """Leave a key of each site in the cache, of one of which they are not wanted, and one that lasts."""
    for site in SITES:
        configuration = json.loads((BENCH / "sites" / site / "site_config.json").read_text(encoding="utf-8"))
        cache.set(f"{configuration['db_name']}|upkeep", "x")
        cache.hset(f"{configuration['db_name']}|session", "sid", "x")


def leave_rows() -> None:
    """Make half of the rows of a log old, and a session; the site's database keeps everything else."""
    configuration = json.loads((BENCH / "sites" / SITES[0] / "site_config.json").read_text(encoding="utf-8"))
    statements = (
        "UPDATE `tabError Log` SET creation = NOW(), modified = NOW()",
        "UPDATE `tabError Log` SET creation = NOW() - INTERVAL 60 DAY, modified = NOW() - INTERVAL 60 DAY LIMIT 3",
        "INSERT INTO tabSessions (user, sid, lastupdate) VALUES ('old', 'old', NOW() - INTERVAL 90 DAY), "
        "('new', 'new', NOW())",
    )
    subprocess.run(["mariadb", configuration["db_name"], "--execute", ";".join(statements)], check=True)


def main() -> None:
    for name in SET_NAMES:
        write_repository_set(SETS, name, files={"database.sql.gz": ("database", name.encode())})
    for paths, age_days in ((OLD, 120), (KEPT, 3)):
        for path in paths:
            if not path.is_dir():
                make(path, age_days)
    Path("/etc/tmpfiles.d/reports.conf").write_text(f"e {REPORTS} - - - m:10d\n", encoding="utf-8")
    with redis.Redis(port=11000) as queue:
        leave_jobs(queue)
    with redis.Redis(port=13000) as cache:
        leave_keys(cache)
    # It stands for the tool, which is no package of the distribution: it has to be run as the account of the bench.
    YARN.write_text('#!/bin/sh\n[ "$*" = "cache clean" ] && rm -r "$HOME/.cache/yarn"\n', encoding="utf-8")
    YARN.chmod(0o755)
    leave_rows()
    configuration = (BENCH / "sites" / SITES[0] / "site_config.json").read_text(encoding="utf-8")
    named = {"old": list(map(str, OLD)), "kept": list(map(str, KEPT)), "configuration": configuration}
    Path("/root/upkeep.json").write_text(json.dumps(named), encoding="utf-8")


if __name__ == "__main__":
    main()
