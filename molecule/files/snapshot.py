"""Prints what a bench's host holds as JSON, so that two moments can be compared.

Needs nothing but the standard library and the programs of the host; runs as root.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

BENCH = Path("/home/frappe/frappe-bench")


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8", errors="replace").stdout


def query(statement: str) -> list[list[str]]:
    lines = output("mariadb", "--batch", "--raw", "--skip-column-names", "--execute", statement).splitlines()
    return [line.split("\t") for line in lines]


def tables(database: str) -> dict[str, str]:
    """The checksum of each table's rows."""
    condition = f"table_schema = '{database}' AND table_type = 'BASE TABLE'"
    names = [row[0] for row in query(f"SELECT table_name FROM information_schema.tables WHERE {condition}")]
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
    listed = output("systemctl", "list-units", "--plain", "--no-legend", "frappe-bench-*.service").splitlines()
    units = ["mariadb", "nginx", "supervisor", *(line.split()[0] for line in listed)]
    found = {unit: output("systemctl", "show", "--property", "MainPID", "--value", unit).strip() for unit in units}
    if found["supervisor"] != "0":
        for line in output("supervisorctl", "status").splitlines():
            words = line.split()
            found[words[0]] = words[3].rstrip(",") if words[1] == "RUNNING" else words[1]
    return found


def web_workers() -> int:
    """How many processes the web server has besides its first."""
    processes = [line.split(maxsplit=2) for line in output("ps", "-e", "-o", "pid=,ppid=,args=").splitlines()]
    web = {pid: parent for pid, parent, arguments in processes if f"{BENCH}/env/bin/gunicorn" in arguments}
    return sum(parent in web for parent in web.values())


def failed_jobs() -> dict[str, str]:
    """What the queue knows of each failed job; other jobs come and go while the bench works."""
    names = [name for key in redis("keys", "rq:failed:*") for name in redis("zrange", key, "0", "-1")]
    return {name: hashlib.sha256("".join(redis("hgetall", f"rq:job:{name}")).encode()).hexdigest() for name in names}


def redis(*command: str) -> list[str]:
    url = json.loads((BENCH / "sites" / "common_site_config.json").read_text(encoding="utf-8"))["redis_queue"]
    return output("redis-cli", "-u", url, "--raw", *command).splitlines()


def accounts() -> dict[str, bool]:
    """Every account of the server, and whether it is locked."""
    rows = query("SELECT user, host, COALESCE(JSON_VALUE(priv, '$.account_locked'), 0) FROM mysql.global_priv")
    return {f"{user}@{host}": locked == "1" for user, host, locked in rows}


def main() -> None:
    snapshot = {
        "sites": {path.parent.name: site(path.parent) for path in (BENCH / "sites").glob("*/site_config.json")},
        "services": services(),
        "web_workers": web_workers(),
        "failed_jobs": failed_jobs(),
        "accounts": accounts(),
        "databases": [row[0] for row in query("SHOW DATABASES")],
    }
    print(json.dumps(snapshot))


if __name__ == "__main__":
    main()
