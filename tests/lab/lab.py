"""The whole bench in a folder: build it, start it, back it up, stop it."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import xmlrpc.client
from configparser import RawConfigParser
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.accounts import create_account
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions, connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier
from cryptography.fernet import Fernet

from .backups import SITE_TIME_ZONE, BackupFiles, BackupOrder, write_backup
from .generator import SiteContent, create_tables, insert_rows, write_files
from .layout import (
    SITE_FOLDERS,
    VERSIONS,
    Ports,
    write_bench,
    write_common_configuration,
    write_configuration,
    write_services,
    write_supervisord,
)
from .mariadb import MariaDBServer
from .processes import (
    STOP_TIMEOUT_SECONDS,
    end_marked_processes,
    free_port,
    listens,
    start_child,
    stop_child,
    wait_until,
)
from .redis_server import redis_server_program

if TYPE_CHECKING:
    from pymysql.connections import Connection

SITES = ("alpha.localhost", "beta.localhost")
ADMINISTRATOR_KEY = "key-administrator"
ADMINISTRATOR_SECRET = "lab-api-secret"
MARK = "LIFEBOAT_LAB"  # every process of a lab has this in its environment, so none is left when the lab stops
CONFIGURATION_CACHE_SECONDS = {15: 0, 16: 60}
WORKERS = 2
PARTIAL_EXCLUDES = ("tabError Log", "tabActivity Log")


class Lab:
    """A bench that runs; ``with Lab(folder) as lab: lab.backup("alpha.localhost")``.

    Args:
        folder: Where everything lives; a lab that was built there before starts again as it was left.
        frappe_version: 15 reads a site's configuration on each request, 16 caches it for 60 seconds in each process.
        seed: The same seed gives the same rows and files.
        scale: A factor of the rows and files of a site.
        sites: Their names.
        hostile: Whether some rows hold text that ``bench restore`` loses or fails on.
        services: Whether to run the application, the workers and Redis, or the database server alone.
        variables: Options of the database server.
    """

    account_hosts: tuple[str, ...] = ("localhost",)  # from where the accounts of the sites log in

    def __init__(
        self,
        folder: Path,
        *,
        frappe_version: int = 15,
        seed: int = 1,
        scale: int = 1,
        sites: tuple[str, ...] = SITES,
        hostile: bool = True,
        services: bool = True,
        **variables: Any,
    ) -> None:
        self.folder = folder.resolve()
        self.frappe_version = frappe_version
        self.seed = seed
        self.scale = scale
        self.sites = list(sites)
        self.hostile = hostile
        self.services = services
        self.apps = VERSIONS[frappe_version]
        self.bench_path = self.folder / "frappe-bench"
        self.sites_path = self.bench_path / "sites"
        self.state_path = self.folder / "state"
        self.report_path = self.folder / "reports"
        self.repository_path = self.folder / "repository"
        self.supervisor_config = self.folder / "supervisor" / "supervisord.conf"
        self._marked_environment = {**os.environ, MARK: str(self.folder)}
        self.mariadb = MariaDBServer(
            self.folder / "mariadb",
            port=self._common("db_port"),
            environment=self._marked_environment,
            **variables,
        )
        self._bench_program = self.folder / "bin" / "bench"
        self._supervisord: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Lab:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def login(self) -> LoginOptions:
        """How root reaches the database server."""
        return self.mariadb.login

    @property
    def web_port(self) -> int:
        """The port of the application; ask for a site by the header ``Host``."""
        return int(self._common("webserver_port"))

    @property
    def redis_cache_url(self) -> str:
        """The address of the cache."""
        return str(self._common("redis_cache"))

    @property
    def redis_queue_url(self) -> str:
        """The address of the queue."""
        return str(self._common("redis_queue"))

    @property
    def bench_id(self) -> str:
        """What the names of the bench's queues begin with."""
        return str(self.bench_path).strip("/").replace("/", "-")

    @property
    def variables(self) -> dict[str, str]:
        """The collection's variables that point at this lab, and wait for it patiently."""
        return {
            "lifeboat_bench_path": str(self.bench_path),
            "lifeboat_state_path": str(self.state_path),
            "lifeboat_mariadb_config_file": str(self.mariadb.option_file),
            "lifeboat_report_path": str(self.report_path),
            "lifeboat_repository_path": str(self.repository_path),
            # On a machine that is busy with other tests everything takes longer.
            "lifeboat_recovery_web_timeout_seconds": "120",
            "lifeboat_recovery_job_timeout_seconds": "120",
            "lifeboat_health_deadline_seconds": "60",
            "lifeboat_health_timeout_seconds": "300",
            "lifeboat_diagnosis_deadline_seconds": "60",
        }

    def site_path(self, site: str) -> Path:
        """The folder of a site."""
        return self.sites_path / site

    def site_config(self, site: str) -> dict[str, Any]:
        """The configuration of a site as it is now."""
        configuration: dict[str, Any] = json.loads((self.site_path(site) / "site_config.json").read_text())
        return configuration

    def connect(self, site: str) -> Connection[Any]:
        """Connect to the database of a site as it is configured now, with the site's own account."""
        configuration = self.site_config(site)
        user = configuration.get("db_user", configuration["db_name"])
        return connect(self.login.with_account(user, configuration["db_password"]), configuration["db_name"])

    def start(self) -> None:
        """Build the bench when it is not there, and start it."""
        if not self.bench_path.exists():
            self._build()
        try:
            self.mariadb.start()
            for site in self.sites:
                if not (self.site_path(site) / "site_config.json").exists():
                    self._build_site(site)
            if self.services:
                self._start_services()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every process of the lab."""
        if self._supervisord is not None:
            self._supervisord.terminate()
            with suppress(RuntimeError):  # it hangs, and is killed
                wait_until(self._has_ended, "the end of the services", timeout_seconds=STOP_TIMEOUT_SECONDS)
            stop_child(self._supervisord)
            self._supervisord = None
        self.mariadb.stop()
        end_marked_processes(MARK, self.folder)

    def supervisorctl(self, *arguments: str) -> str:
        """Run supervisorctl and return what it prints."""
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self.supervisor_config), *arguments]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout

    def backup(
        self,
        site: str,
        encrypted: bool = False,
        partial: bool = False,
        compressed: bool = False,
        folder: Path | None = None,
    ) -> BackupFiles:
        """Back a site up as ``bench backup`` does.

        Args:
            site: The site.
            encrypted: Encrypt with the site's ``backup_encryption_key``.
            partial: Leave out tables and all files.
            compressed: Compress the archives of the files.
            folder: Where to, or None for the site's own folder.
        """
        configuration = self.site_config(site)
        return write_backup(
            BackupOrder(
                sites_path=self.sites_path,
                site=site,
                database=configuration["db_name"],
                option_file=self.mariadb.option_file,
                frappe_version=self.apps["frappe"],
                encryption_key=configuration["backup_encryption_key"] if encrypted else None,
                excluded_tables=PARTIAL_EXCLUDES if partial else (),
                compressed=compressed,
                folder=folder,
            )
        )

    def enqueue(self, site: str, method: str, queue: str = "short", **kwargs: Any) -> str:
        """Put a job of a site into a queue, as the application does, and return its id."""
        job = (
            "import sys, json, redis; from frappe.utils.background_jobs import enqueue; "
            "url, bench, site, method, queue, kwargs = sys.argv[1:]; "
            "print(enqueue(redis.Redis.from_url(url), bench, site, method, queue, **json.loads(kwargs)))"
        )
        arguments = [self.redis_queue_url, self.bench_id, site, method, queue, json.dumps(kwargs)]
        finished = subprocess.run(
            [sys.executable, "-c", job, *arguments],
            env=self._environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return finished.stdout.strip()

    def _common(self, key: str) -> Any:
        path = self.sites_path / "common_site_config.json"
        return json.loads(path.read_text())[key] if path.exists() else None

    def _build(self) -> None:
        ports = Ports(*(free_port() for _index in range(4)))
        write_bench(self.bench_path, self.apps, self._bench_program)
        write_common_configuration(self.bench_path, ports, self.mariadb.port, self.sites[0])
        redis_program = redis_server_program(self.folder / "bin")
        services = write_services(self.bench_path, ports, redis_program, self._bench_program)
        write_supervisord(self.supervisor_config, ports.supervisor, secrets.token_urlsafe(12), services)
        self.state_path.mkdir(mode=0o700)
        self.report_path.mkdir()

    def _build_site(self, site: str) -> None:
        name = f"_{secrets.token_hex(8)}"
        account = {"db_user": name} if self.frappe_version >= 16 else {}
        configuration: dict[str, Any] = {
            "backup_encryption_key": Fernet.generate_key().decode(),
            "db_name": name,
            **account,
            "db_password": secrets.token_urlsafe(12),
            "db_type": "mariadb",
            "encryption_key": Fernet.generate_key().decode(),
            "host_name": f"http://{site}:{self.web_port}",
            "maintenance_mode": 0,
            "pause_scheduler": 0,
        }
        for folder in SITE_FOLDERS:
            (self.site_path(site) / folder).mkdir(parents=True, exist_ok=True)
        content = SiteContent(
            site=site,
            seed=self.seed,
            scale=self.scale,
            now=datetime.now(SITE_TIME_ZONE).replace(tzinfo=None),
            encryption_key=configuration["encryption_key"],
            apps=self.apps,
            administrator_secret=ADMINISTRATOR_SECRET,
            hostile=self.hostile,
        )
        root = connect(self.login)
        execute(root, f"CREATE DATABASE {quote_identifier(name)} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        create_account(root, name, list(self.account_hosts), configuration["db_password"], name)
        root.close()
        files = write_files(self.site_path(site), content)
        own = self.login.with_account(name, configuration["db_password"])
        connection = connect(own, name, autocommit=False)
        create_tables(connection)
        insert_rows(connection, content, files)
        connection.commit()
        connection.close()
        write_configuration(self.site_path(site) / "site_config.json", configuration)

    def _environment(self) -> dict[str, str]:
        return {
            **self._marked_environment,
            "PYTHONPATH": str(self.bench_path / "apps" / "frappe"),
            "FRAPPE_LAB_CONFIGURATION_CACHE_SECONDS": str(CONFIGURATION_CACHE_SECONDS[self.frappe_version]),
        }

    def _start_services(self) -> None:
        log = self.supervisor_config.with_name("output.log")
        self._supervisord = start_child(
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(self.supervisor_config)],
            log,
            end_signal="TERM",
            environment=self._environment(),
        )
        wait_until(self._serves, f"the bench (see {log})", self._supervisord)

    def _serves(self) -> bool:
        if not listens(self.web_port) or self._live_workers() < WORKERS:
            return False
        with self._supervisor() as asked:
            programs: Any = asked.supervisor.getAllProcessInfo()
        given_up = [program["name"] for program in programs if program["statename"] == "FATAL"]
        if given_up:
            raise RuntimeError(f"supervisor gave up starting {', '.join(given_up)} (see {self.bench_path / 'logs'})")
        return all(program["statename"] == "RUNNING" for program in programs)

    def _has_ended(self) -> bool:
        # Asked something, supervisord looks for what ended; else it does once a second.
        with suppress(OSError, http.client.HTTPException, xmlrpc.client.Error), self._supervisor() as asked:
            asked.supervisor.getPID()
        return self._supervisord is None or self._supervisord.poll() is not None

    def _supervisor(self) -> xmlrpc.client.ServerProxy:
        """Ask supervisord in this process: it is asked often, and each supervisorctl is a Python of its own."""
        configuration = RawConfigParser()
        configuration.read(self.supervisor_config)
        own = configuration["inet_http_server"]
        return xmlrpc.client.ServerProxy(f"http://{own['username']}:{own['password']}@{own['port']}/RPC2")

    def _live_workers(self) -> int:
        try:
            with redis.Redis.from_url(self.redis_queue_url) as queue:
                return int(queue.scard("rq:workers"))
        except redis.ConnectionError:
            return 0
