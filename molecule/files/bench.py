#!/opt/bench-env/bin/python
"""Lays out a bench on a host as `bench setup production` does, fills it, backs it up, and brings the disaster.

It uses the embedded lab of the tests, with the servers of the host in place of the lab's own.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import shutil
import time
from pathlib import Path

import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import (
    LoginOptions,
    connect,
    execute,
    with_config_file,
)
from lab.backups import BackupOrder, write_backup
from lab.lab import CONFIGURATION_CACHE_SECONDS, SITES, Lab
from lab.layout import Ports, write_bench, write_common_configuration, write_configuration, write_services

HOME = Path("/home/frappe")
BENCH_PROGRAM = Path("/usr/local/bin/bench")
REDIS_PROGRAM = Path("/usr/bin/redis-server")
PORTS = Ports(web=8000, redis_cache=13000, redis_queue=11000, supervisor=0)
JOB_TIMEOUT_SECONDS = 30
TABLES_THAT_GET_LOST = ("tabSales Invoice", "tabDefaultValue", "__Auth")


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
                text = re.sub(rf'("{service}": "redis://)127.0.0.1', rf"\g<1>{redis_host}", text)
            write_configuration(common, {**json.loads(text), "db_host": database_host})
        path = write_services(self.bench_path, PORTS, REDIS_PROGRAM, BENCH_PROGRAM)
        cached = f'environment=FRAPPE_LAB_CONFIGURATION_CACHE_SECONDS="{CONFIGURATION_CACHE_SECONDS[self.frappe_version]}"'
        path.write_text(re.sub(r"(\[program:.*\])", rf"\1\nuser=frappe\n{cached}", path.read_text()))
        for configuration in (self.bench_path / "config").glob("redis_*.conf"):
            text = configuration.read_text()
            configuration.write_text(text.replace("bind 127.0.0.1", "bind 0.0.0.0" if redis_host != "127.0.0.1" else "bind 127.0.0.1"))
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

    def destroy(self) -> None:
        """Lose tables, rows and files of the first site."""
        connection = connect(self.login, self.site_config(SITES[0])["db_name"])
        for table in TABLES_THAT_GET_LOST:
            execute(connection, f"DROP TABLE `{table}`")
        execute(connection, "DELETE FROM tabToDo WHERE RAND() < 0.5")
        connection.close()
        shutil.rmtree(self.site_path(SITES[0]) / "private" / "files")
        next((self.site_path(SITES[0]) / "public" / "files").glob("logo.png")).unlink()

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
    parser.add_argument("step", choices=("install", "fill", "destroy"))
    parser.add_argument("--option-file", type=Path, required=True, help="how to reach the database as its administrator")
    parser.add_argument("--frappe-version", type=int, default=15)
    parser.add_argument("--database-host", default="127.0.0.1")
    parser.add_argument("--redis-host", default="127.0.0.1")
    parser.add_argument("--account-host", default="localhost", help="from where the sites' accounts log in")
    arguments = parser.parse_args()
    bench = HostBench(arguments.option_file, arguments.frappe_version, [arguments.account_host])
    if arguments.step == "install":
        bench.install(arguments.database_host, arguments.redis_host)
    else:
        getattr(bench, arguments.step)()


if __name__ == "__main__":
    main()
