"""The files of a bench: its folders, apps, configuration, and the configuration of its services."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STAND_IN_PATH = Path(__file__).parent / "app" / "frappe"
VERSIONS = {15: {"frappe": "15.55.1", "erpnext": "15.53.3"}, 16: {"frappe": "16.1.0", "erpnext": "16.0.2"}}
BUNDLES = ("desk.bundle.js", "login.bundle.js", "website.bundle.css")
FOLDERS = ("apps", "archived/sites", "config/pids", "logs", "sites/assets")
SITE_FOLDERS = ("locks", "logs", "private/backups", "private/files", "public/files")


@dataclass(frozen=True)
class Ports:
    """The loopback ports of a bench's services."""

    web: int
    redis_cache: int
    redis_queue: int
    supervisor: int


def write_bench(bench_path: Path, apps: dict[str, str], bench_program: Path) -> None:
    """Write the folders and apps of a bench, its environment, and the program that starts its processes."""
    for folder in FOLDERS:
        (bench_path / folder).mkdir(parents=True, exist_ok=True)
    package = bench_path / "apps" / "frappe" / "frappe"
    shutil.copytree(STAND_IN_PATH, package, ignore=shutil.ignore_patterns("__pycache__"))
    initial = package / "__init__.py"
    initial.write_text(initial.read_text().replace('"15.55.1"', f'"{apps["frappe"]}"'))
    for app, version in apps.items():
        if app != "frappe":
            other_package = bench_path / "apps" / app / app
            other_package.mkdir(parents=True)
            (other_package / "__init__.py").write_text(f'__version__ = "{version}"\n')
            (other_package / "hooks.py").write_text(f'app_name = "{app}"\n')
    (bench_path / "sites" / "apps.txt").write_text("\n".join(apps))
    (bench_path / "sites" / "apps.json").write_text(
        json.dumps({app: {"version": version, "is_repo": False} for app, version in apps.items()}, indent=4)
    )
    _write_assets(bench_path, package / "public")
    (bench_path / "env").symlink_to(sys.prefix, target_is_directory=True)
    bench_program.parent.mkdir(parents=True, exist_ok=True)
    bench_program.write_text(f'#!/bin/sh\nexec "{bench_path}/env/bin/python" -m frappe.utils.bench_helper "$@"\n')
    bench_program.chmod(0o755)


def _write_assets(bench_path: Path, public: Path) -> None:
    """Write what ``bench build`` makes: bundles, the link by which they are served, and the list that pages read."""
    assets = bench_path / "sites" / "assets"
    (public / "dist").mkdir(parents=True)
    for name in BUNDLES:
        (public / "dist" / name).write_text(f"/* {name} */\n")
    link = assets / "frappe"
    if not link.is_symlink():  # where hosts share sites/, the first of them made it
        link.symlink_to(public, target_is_directory=True)
    (assets / "assets.json").write_text(json.dumps({name: f"/assets/frappe/dist/{name}" for name in BUNDLES}))


def write_common_configuration(bench_path: Path, ports: Ports, database_port: int, default_site: str) -> None:
    """Write what every site of the bench shares."""
    write_configuration(
        bench_path / "sites" / "common_site_config.json",
        {
            "background_workers": 1,
            "db_host": "127.0.0.1",
            "db_port": database_port,
            "default_site": default_site,
            "dns_multitenant": True,
            "frappe_user": "frappe",
            "gunicorn_workers": 2,
            "redis_cache": f"redis://127.0.0.1:{ports.redis_cache}",
            "redis_queue": f"redis://127.0.0.1:{ports.redis_queue}",
            "redis_socketio": f"redis://127.0.0.1:{ports.redis_cache}",
            "restart_supervisor_on_update": True,
            "restart_systemd_on_update": False,
            "serve_default_site": True,
            "use_redis_auth": False,
            "webserver_port": ports.web,
        },
    )


def write_configuration(path: Path, configuration: dict[str, Any]) -> None:
    """Write a configuration as Frappe does: one space of indentation, sorted, no newline at the end."""
    path.write_text(json.dumps(configuration, indent=1, sort_keys=True))


def write_services(bench_path: Path, ports: Ports, redis_program: Path, bench_program: Path) -> Path:
    """Write the services' configuration with the names that ``bench setup supervisor`` gives them."""
    config = bench_path / "config"
    pids = config / "pids"
    common = "bind 127.0.0.1\ndaemonize no\nprotected-mode no\n"
    (config / "redis_cache.conf").write_text(
        f'{common}port {ports.redis_cache}\ndir {pids}\npidfile {pids}/redis_cache.pid\nsave ""\n'
        "maxmemory 64mb\nmaxmemory-policy allkeys-lru\n"
    )
    (config / "redis_queue.conf").write_text(
        f"{common}port {ports.redis_queue}\ndir {pids}\npidfile {pids}/redis_queue.pid\ndbfilename redis_queue.rdb\n"
    )
    name = bench_path.name
    web = (
        f"{bench_path}/env/bin/gunicorn -b 127.0.0.1:{ports.web} -w 2 --max-requests 5000 --max-requests-jitter 500 "
        "-t 120 --graceful-timeout 30 frappe.app:application --preload"
    )
    programs = (
        # name, command, folder, seconds to stop, group; a real bench gives its workers up to 1560 seconds to stop
        (f"{name}-frappe-web", web, "sites", 40, "web"),
        (f"{name}-frappe-schedule", f"{bench_program} schedule", "", 5, "workers"),
        (f"{name}-frappe-short-worker", f"{bench_program} worker --queue short,default", "", 5, "workers"),
        (f"{name}-frappe-long-worker", f"{bench_program} worker --queue long,default,short", "", 5, "workers"),
        (f"{name}-redis-cache", f"{redis_program} {config}/redis_cache.conf", "sites", 10, "redis"),
        (f"{name}-redis-queue", f"{redis_program} {config}/redis_queue.conf", "sites", 10, "redis"),
    )
    sections = []
    for program, command, folder, stop_seconds, _group in programs:
        log = bench_path / "logs" / program.removeprefix(f"{name}-").removeprefix("frappe-")
        lines = [
            f"[program:{program}]",
            f"command={command}",
            "priority=4",
            "autostart=true",
            "autorestart=true",
            f"stdout_logfile={log}.log",
            f"stderr_logfile={log}.error.log",
            f"stopwaitsecs={stop_seconds}",
            f"directory={bench_path / folder}",
        ]
        if program.endswith("worker"):
            lines += ["killasgroup=true", "numprocs=1", "process_name=%(program_name)s-%(process_num)d"]
        sections.append("\n".join(lines))
    for group in ("web", "workers", "redis"):
        members = ",".join(program for program, *_rest, member_of in programs if member_of == group)
        sections.append(f"[group:{name}-{group}]\nprograms={members}")
    path = config / "supervisor.conf"
    path.write_text("\n\n".join(sections) + "\n")
    return path


def write_supervisord(path: Path, port: int, password: str, included: Path) -> None:
    """Write the configuration of supervisord itself, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(
        f"[supervisord]\nnodaemon=true\nlogfile={path.parent}/supervisord.log\npidfile={path.parent}/supervisord.pid\n"
        f"childlogdir={path.parent}\n\n"
        f"[inet_http_server]\nport=127.0.0.1:{port}\nusername=lab\npassword={password}\n\n"
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\n"
        f"[supervisorctl]\nserverurl=http://127.0.0.1:{port}\nusername=lab\npassword={password}\n\n"
        f"[include]\nfiles={included}\n"
    )
