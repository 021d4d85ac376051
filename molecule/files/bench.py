"""Lays out a bench on a host as `bench setup production` does, fills it, backs it up, and brings the disaster.

It uses the embedded lab of the tests, with the servers of the host in place of the lab's own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import secrets
import shutil
import socket
import time
from datetime import datetime
from pathlib import Path

import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import (
    LoginOptions,
    execute,
    with_config_file,
)

from tests.lab.backups import SITE_TIME_ZONE, BackupOrder, write_backup
from tests.lab.disaster import strike
from tests.lab.lab import CONFIGURATION_CACHE_SECONDS, SITES, Lab
from tests.lab.layout import Ports, write_bench, write_common_configuration, write_configuration, write_services

LOOPBACK = "127.0.0.1"
HOME = Path("/home/frappe")
BENCH_PROGRAM = Path("/usr/local/bin/bench")
REDIS_PROGRAM = Path("/usr/bin/redis-server")
PORTS = Ports(web=8000, redis_cache=13000, redis_queue=11000, supervisor=0)
JOB_TIMEOUT_SECONDS = 30


class HostBench(Lab):
    """The lab's bench, on a host whose servers the distribution runs."""

    def __init__(self, option_file: Path, frappe_version: int, account_hosts: list[str]) -> None:
        super().__init__(HOME, frappe_version=frappe_version)
        self.option_file = option_file
        self.account_hosts = account_hosts

    @property
    def login(self) -> LoginOptions:
        return with_config_file(LoginOptions(config_file=str(self.option_file)))

    def install(self, database_host: str, redis_host: str) -> None:
        """Write the bench's folders, application, configuration and services."""
        write_bench(self.bench_path, self.apps, BENCH_PROGRAM)
        common = self.sites_path / "common_site_config.json"
        if not common.exists():
            write_common_configuration(self.bench_path, PORTS, 3306, SITES[0])
            text = common.read_text()
            for service in ("redis_cache", "redis_queue", "redis_socketio"):
                text = re.sub(rf'("{service}": "redis://){LOOPBACK}', rf"\g<1>{redis_host}", text)
            write_configuration(common, {**json.loads(text), "db_host": database_host})
        path = write_services(self.bench_path, PORTS, REDIS_PROGRAM, BENCH_PROGRAM)
        path.write_text(self._services(path.read_text(), redis_host))
        if redis_host != LOOPBACK:
            for configuration in (self.bench_path / "config").glob("redis_*.conf"):
                configuration.write_text(configuration.read_text().replace(f"bind {LOOPBACK}", "bind 0.0.0.0"))
        self._own()

    def fill(self) -> None:
        """Create the sites, leave a failed job of each in the queue, and back the first site up."""
        for site in self.sites:
            self._build_site(site)
            (self.site_path(site) / "site_config.json").chmod(0o640)
        self._own()
        for site in self.sites:
            self._fail_a_job(site)
        write_backup(
            BackupOrder(
                sites_path=self.sites_path,
                site=SITES[0],
                database=self.site_config(SITES[0])["db_name"],
                option_file=self.option_file,
                frappe_version=self.apps["frappe"],
            )
        )
        self._own()

    def write(self) -> datetime:
        """Insert, change and delete rows of every site; return the first second after it, when that has begun."""
        for site in self.sites:
            with contextlib.closing(self.connect(site)) as connection:
                for number in range(3):
                    execute(
                        connection,
                        "INSERT INTO tabToDo (name, creation, modified, owner, status, description) "
                        "VALUES (%s, NOW(6), NOW(6), 'Guest', 'Open', %s)",
                        (secrets.token_hex(5), f"written {number}"),
                    )
                execute(connection, "UPDATE tabCustomer SET modified = NOW(6)")
                execute(connection, "DELETE FROM tabItem LIMIT 2")
                execute(connection, "REPLACE INTO tabSingles (doctype, field, value) VALUES ('Lab', 'now', NOW(6))")
        # The times of a binary log are whole seconds.
        second = int(time.time()) + 1
        while time.time() < second:
            time.sleep(0.01)
        return datetime.fromtimestamp(second, SITE_TIME_ZONE)

    def _services(self, text: str, redis_host: str) -> str:
        """Run the programs as the bench's user, and Redis on its own host only."""
        cached_seconds = CONFIGURATION_CACHE_SECONDS[self.frappe_version]
        settings = f'user=frappe\nenvironment=FRAPPE_LAB_CONFIGURATION_CACHE_SECONDS="{cached_seconds}"'
        sections = [re.sub(r"(\[program:.*\])", rf"\1\n{settings}", section) for section in text.split("\n\n")]
        if redis_host not in (LOOPBACK, socket.gethostname()):
            sections = [section for section in sections if "-redis" not in section.splitlines()[0]]
        return "\n\n".join(sections)

    def _own(self) -> None:
        for path in (self.bench_path, *self.bench_path.rglob("*")):
            if not path.is_symlink():
                shutil.chown(path, "frappe", "frappe")

    def _fail_a_job(self, site: str) -> None:
        job = self.enqueue(site, f"frappe.nowhere_{secrets.token_hex(2)}")
        with redis.Redis.from_url(self.redis_queue_url) as queue:
            deadline = time.monotonic() + JOB_TIMEOUT_SECONDS
            while queue.hget(f"rq:job:{job}", "status") != b"failed":
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no worker took the job {job}")
                time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("install", "fill", "write", "destroy"))
    parser.add_argument("--option-file", type=Path, required=True, help="of the database's administrator")
    parser.add_argument("--frappe-version", type=int, default=15)
    parser.add_argument("--database-host", default=LOOPBACK)
    parser.add_argument("--redis-host", default=LOOPBACK)
    parser.add_argument("--account-host", default="localhost", help="from where the sites' accounts log in")
    arguments = parser.parse_args()
    bench = HostBench(arguments.option_file, arguments.frappe_version, [arguments.account_host])
    if arguments.step == "install":
        bench.install(arguments.database_host, arguments.redis_host)
    elif arguments.step == "fill":
        bench.fill()
    elif arguments.step == "write":
        print(bench.write().isoformat())
    else:
        strike(bench, SITES[0])


if __name__ == "__main__":
    main()
