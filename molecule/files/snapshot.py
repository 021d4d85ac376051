#!/usr/bin/env python3
"""Prints what a bench's host holds as JSON, so that two moments can be compared: rows, files, processes, jobs, accounts.

Needs nothing but the standard library and the programs of the host; runs as root.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

BENCH = Path("/home/frappe/frappe-bench")
QUEUE_PORT = "11000"


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def query(statement: str) -> list[list[str]]:
    lines = output("mariadb", "--batch", "--raw", "--skip-column-names", "--execute", statement).splitlines()
    return [line.split("\t") for line in lines]


def tables(database: str) -> dict[str, str]:
    """The checksum of each table's rows; those of a log of the application itself change while it serves."""
    names = [
        row[0]
        for row in query(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{database}' AND table_type = 'BASE TABLE'"
        )
    ]
    if not names:
        return {}
    listed = ", ".join(f"`{database}`.`{name}`" for name in names)
    return {row[0].split(".", 1)[1]: row[1] for row in query(f"CHECKSUM TABLE {listed}")}


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def site(path: Path) -> dict[str, object]:
    configuration = json.loads((path / "site_config.json").read_text(encoding="utf-8"))
    status = (path / "site_config.json").stat()
    return {
        "configuration": configuration,
        "owner": f"{status.st_uid}:{status.st_gid}",
        "mode": oct(status.st_mode & 0o7777),
        "tables": tables(configuration["db_name"]),
        "public": files(path / "public" / "files"),
        "private": files(path / "private" / "files"),
    }


def services() -> dict[str, str]:
    """The process id of each program of the bench and of the servers around it."""
    found = {}
    for line in output("supervisorctl", "status").splitlines():
        words = line.split()
        found[words[0]] = words[3].rstrip(",") if words[1] == "RUNNING" else words[1]
    for unit in ("mariadb", "nginx", "supervisor"):
        found[unit] = output("systemctl", "show", "--property", "MainPID", "--value", unit).strip()
    return found


def queue() -> list[str]:
    return sorted(
        key
        for key in output("redis-cli", "-p", QUEUE_PORT, "--raw", "keys", "rq:*").splitlines()
        if not key.startswith(("rq:clean_registries:", "rq:worker"))
    )


def main() -> None:
    sites = {path.parent.name: site(path.parent) for path in sorted((BENCH / "sites").glob("*/site_config.json"))}
    accounts = {f"{row[0]}@{row[1]}": row[2] for row in query("SELECT user, host, JSON_VALUE(priv, '$.account_locked') FROM mysql.global_priv")}
    databases = sorted(row[0] for row in query("SHOW DATABASES"))
    print(json.dumps({"sites": sites, "services": services(), "queue": queue(), "accounts": accounts, "databases": databases}))


if __name__ == "__main__":
    main()
