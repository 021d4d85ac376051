"""What the same backup costs by other means, on the same server with the same settings."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier

from tests.lab import Lab

from .measure import Cost, cost_of_server

CONNECTIONS = 2
# `bench restore` pipes a dump through these two filters into the client.
SANDBOX_FILTER = r"/\/\*M\{0,1\}!999999\\- enable the sandbox mode \*\//d"
DEFINER_FILTER = r"/\/\*![0-9]* DEFINER=[^ ]* SQL SECURITY DEFINER \*\//d"


def restore_as_bench_does(lab: Lab, database: str, dump: Path) -> Cost:
    """Drop and create a database and send the dump through the client, as ``bench restore`` does."""
    process = lab.mariadb.process
    assert process is not None
    with cost_of_server(process.pid) as cost:
        _create_again(lab, database)
        unpack = subprocess.Popen(["gunzip", "-c", dump], stdout=subprocess.PIPE)
        sandbox = subprocess.Popen(["sed", SANDBOX_FILTER], stdin=unpack.stdout, stdout=subprocess.PIPE)
        definer = subprocess.Popen(["sed", DEFINER_FILTER], stdin=sandbox.stdout, stdout=subprocess.PIPE)
        client = ["mariadb", f"--defaults-file={lab.mariadb.option_file}", database]
        finished = subprocess.run(client, stdin=definer.stdout, stderr=subprocess.DEVNULL, check=False)
        for part in (unpack, sandbox, definer):
            assert part.stdout is not None
            part.stdout.close()
            part.wait()
    if finished.returncode:
        raise RuntimeError(f"the client ended with exit code {finished.returncode}")
    return cost


def dump_with_mydumper(lab: Lab, database: str, folder: Path) -> None:
    """Write the dump in myloader's own format; it cannot load another."""
    subprocess.run(
        ["mydumper", *_login(lab), "--database", database, "--outputdir", folder, "--compress"],
        check=True,
        stderr=subprocess.DEVNULL,
    )


def load_with_myloader(lab: Lab, database: str, folder: Path) -> Cost:
    """Load mydumper's dump into a new database.

    Raises:
        RuntimeError: myloader failed; the message is its last line.
    """
    process = lab.mariadb.process
    assert process is not None
    with cost_of_server(process.pid) as cost:
        _create_again(lab, database)
        command = ["myloader", *_login(lab), "--database", database, "--directory", str(folder), "--enable-binlog"]
        finished = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if finished.returncode:
            lines = finished.stderr.strip().splitlines()
            raise RuntimeError(lines[-1] if lines else f"exit code {finished.returncode}")
    return cost


def _login(lab: Lab) -> list[str]:
    option_file = lab.mariadb.option_file
    return [f"--defaults-file={option_file}", "--threads", str(CONNECTIONS)]


def _create_again(lab: Lab, database: str) -> None:
    name = quote_identifier(database)
    with contextlib.closing(connect(lab.login)) as connection:
        execute(connection, f"DROP DATABASE IF EXISTS {name}")
        execute(connection, f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
