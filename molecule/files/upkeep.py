"""Leaves something to clean up of each class on a bench's host, and something to leave alone.

/root/upkeep.json names the files and images of both, and holds the configuration of the site and the kernel's settings.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import redis

from tests.backup_sets import archive_of, member, write_repository_set

BENCH = Path("/home/frappe/frappe-bench")
SITES = ("alpha.localhost", "beta.localhost")
LOGS, SITE_LOGS = BENCH / "logs", BENCH / "sites" / SITES[0] / "logs"
SITE_FILES = BENCH / "sites" / SITES[0] / "private" / "files"
CACHE = Path("/home/frappe/.cache/pip/http-v2")
YARN, YARN_CACHE = Path("/usr/local/bin/yarn"), Path("/home/frappe/.cache/yarn")
REPORTS = Path("/tmp/reports")
MACHINE = Path("/etc/machine-id").read_text(encoding="utf-8").strip()
JOURNAL = Path("/var/log/journal") / MACHINE
NOW = time.time()
DAY_SECONDS = 86400
QUEUE = "home-frappe-frappe-bench"
REMOVED_SITE = "gone.localhost"
REPOSITORY = Path("/var/backups/lifeboat/sites")
SETS = REPOSITORY / SITES[0]
SET_NAMES = [f"202611{day}_030000-alpha_localhost" for day in (10, 11, 12, 13)]
# Dropped sites: a set in the repository proves the one, and none the other.
ARCHIVE = BENCH / "archived" / "sites"
DROPPED_SITE, UNPROVEN_SITE = "dropped.localhost", "unproven.localhost"
DROPPED_DATABASE = "_dropped"
# Python as it is in 36 hours: the rules for dropped sites and for files without a document wait a day at least, counted
# from when the kernel saw the file, which nobody can set. The clock that only goes on stays.
LATER_FOLDER = Path("/opt/later")
LATER_SITE = """import time

now = time.time
time.time = lambda: now() + 36 * 3600
"""
LATER = f"""#!/bin/sh
PYTHONPATH={LATER_FOLDER} exec /usr/bin/python3 "$@"
"""
LATER_PYTHON = Path("/usr/local/bin/python3-later")
# What is one for the whole machine: nothing in a container may change it.
KERNEL = tuple(
    map(
        Path,
        ("/proc/sys/vm/swappiness", "/proc/sys/vm/overcommit_memory", "/sys/kernel/mm/transparent_hugepage/enabled"),
    )
)


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
    ARCHIVE / DROPPED_SITE / "site_config.json",
)
KEPT = (
    LOGS / "worker.log.1",
    SITE_LOGS / "integrations.log.1",
    REPORTS / "being-written.csv",
    CACHE / "b" / "new",
    archived(2, 3),
    SITE_FILES / "of-no-document.log.1",
    ARCHIVE / UNPROVEN_SITE / "site_config.json",
    Path("/var/cache/apt/archives/lock"),
    *(SETS / name for name in SET_NAMES[2:]),
)


def make(path: Path, age_days: float, content: str = "x" * 9000) -> None:
    """Make a file that was changed so long ago, and that belongs to the bench's account below its home."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
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
    # The cleanup looks at them in 36 hours.
    for name, age_days in ((f"{REMOVED_SITE}::waits", 3), (f"{REMOVED_SITE}::today", -1)):
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


def leave_dropped_sites() -> None:
    """Leave two dropped sites, one with a set of it in the repository, and with its database."""
    for site, database in ((DROPPED_SITE, DROPPED_DATABASE), (UNPROVEN_SITE, "_unproven")):
        make(ARCHIVE / site / "site_config.json", 120, json.dumps({"db_name": database, "db_password": "x"}))
    write_repository_set(REPOSITORY / DROPPED_SITE, f"20261101_030000-{DROPPED_SITE}", database=DROPPED_DATABASE)
    account = f"CREATE USER {DROPPED_DATABASE}@localhost IDENTIFIED BY 'x'"
    subprocess.run(["mariadb", "--execute", f"CREATE DATABASE {DROPPED_DATABASE}; {account}"], check=True)


def image_archive(content: str, created: datetime, name: str | None) -> tuple[str, bytes]:
    """Return the id of an image, and the archive from which podman loads it."""
    layer = archive_of([member("content", content.encode())])
    layers = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}
    described = {"architecture": "amd64", "os": "linux", "config": {}, "created": created.isoformat(), "rootfs": layers}
    configuration = json.dumps(described).encode()
    image = hashlib.sha256(configuration).hexdigest()
    manifest = [{"Config": f"{image}.json", "RepoTags": name and [name], "Layers": ["layer.tar"]}]
    files = {f"{image}.json": configuration, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()}
    return image, archive_of([member(path, text) for path, text in files.items()])


def leave_images() -> dict[str, list[str]]:
    """Leave an old image without a name, an old one with a name, and a new one; return their ids."""
    # As for any podman in a container: a file system that needs no kernel's help.
    Path("/etc/containers/storage.conf").write_text(
        '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n',
        encoding="utf-8",
    )
    now = datetime.now(timezone.utc)
    images: dict[str, list[str]] = {"old": [], "kept": []}
    for kind, age_days, name in (("old", 60, None), ("kept", 60, "localhost/app:1"), ("kept", 1, None)):
        image, content = image_archive(f"{age_days} {name}", now - timedelta(days=age_days), name)
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            subprocess.run(["podman", "load", "--quiet", "--input", file.name], check=True, stdout=subprocess.DEVNULL)
        images[kind].append(image)
    return images


def change_code() -> None:
    """Change the code of an app after its programs were started: they run old code now."""
    os.utime(BENCH / "apps" / "frappe" / "frappe" / "__init__.py")


def main() -> None:
    leave_dropped_sites()
    for name in SET_NAMES:
        write_repository_set(SETS, name, files={"database.sql.gz": ("database", name.encode())})
    for paths, age_days in ((OLD, 120), (KEPT, 3)):
        for path in paths:
            if not path.exists():
                make(path, age_days)
    Path("/etc/tmpfiles.d/reports.conf").write_text(f"e {REPORTS} - - - m:10d\n", encoding="utf-8")
    with redis.Redis(port=11000) as queue:
        leave_jobs(queue)
    with redis.Redis(port=13000) as cache:
        leave_keys(cache)
    # It stands for the tool, which is no package of the distribution: it has to be run as the account of the bench.
    YARN.write_text('#!/bin/sh\n[ "$*" = "cache clean" ] && rm -r "$HOME/.cache/yarn"\n', encoding="utf-8")
    YARN.chmod(0o755)
    LATER_FOLDER.mkdir()
    (LATER_FOLDER / "usercustomize.py").write_text(LATER_SITE, encoding="utf-8")
    LATER_PYTHON.write_text(LATER, encoding="utf-8")
    LATER_PYTHON.chmod(0o755)
    leave_rows()
    change_code()
    configuration = (BENCH / "sites" / SITES[0] / "site_config.json").read_text(encoding="utf-8")
    named = {
        "old": list(map(str, OLD)),
        "kept": list(map(str, KEPT)),
        "images": leave_images(),
        "configuration": configuration,
        "kernel": {str(path): path.read_text(encoding="utf-8") for path in KERNEL},
        "processes": subprocess.run(["supervisorctl", "status"], check=True, capture_output=True, text=True).stdout,
    }
    Path("/root/upkeep.json").write_text(json.dumps(named), encoding="utf-8")


if __name__ == "__main__":
    main()
