"""What the tests of every scenario look at; ``host`` is the bench's first host."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Callable

import pytest
import testinfra
from testinfra.host import Host

SITE = "alpha.localhost"
STATE = "/var/lib/lifeboat"
REPOSITORY = "/var/backups/lifeboat"


@pytest.fixture(scope="module")
def host_named(request: pytest.FixtureRequest) -> Callable[[str], Host]:
    """Gives another host than ``host``, by a name as in ``testinfra_hosts``."""
    return partial(testinfra.get_host, ssh_config=request.config.option.ssh_config)


@pytest.fixture(scope="module")
def before(host: Host) -> dict[str, Any]:
    """The bench when the backup was made, before the disaster."""
    return json.loads(host.file("/root/before.json").content_string)


@pytest.fixture(scope="module")
def after(host: Host) -> dict[str, Any]:
    """The bench as it is now."""
    return json.loads(host.check_output("python3 /checkout/molecule/files/snapshot.py"))


@pytest.fixture(scope="module")
def drill(host: Host) -> dict[str, Any]:
    """The record of the one drill that there was."""
    (line,) = host.check_output(f"cat {STATE}/*/drills.jsonl").splitlines()
    return json.loads(line)


@pytest.fixture(scope="module")
def readable_by_others(host: Host) -> str:
    """What of the backups and the state is not for root alone."""
    return host.check_output(f"find {REPOSITORY} {STATE} ! -user root -o -type d ! -perm 700 -o -type f ! -perm 600")


@pytest.fixture(scope="module")
def leftovers(host: Host) -> str:
    """What of a backup, an archive or a scratch place was not removed, and whether a server of its own still runs."""
    unfinished = "-name '*.incomplete*' -o -name '*.partial*' -o -name '*.sock' -o -name ibdata1"
    paths = host.check_output(f"find {REPOSITORY} {STATE} {unfinished}")
    servers = host.run("ps -C mariadbd,mariadb-backup,mariadb-dump -o args= | grep -v '^/usr/sbin/mariadbd *$'")
    return paths + servers.stdout


@pytest.fixture(scope="module")
def recovery_path(host: Host) -> str:
    """The folder of the one recovery that there was."""
    recoveries = host.check_output(f"ls -d {STATE}/{SITE}/*/").split()
    assert len(recoveries) == 1, "the second run began another recovery"
    return recoveries[0].rstrip("/")


@pytest.fixture(scope="module")
def record(host: Host, recovery_path: str) -> dict[str, Any]:
    """The record of that recovery."""
    return json.loads(host.file(f"{recovery_path}/record.json").content_string)


@pytest.fixture(scope="module")
def traffic(request: pytest.FixtureRequest, host_named: Callable[[str], Host]) -> dict[str, list[dict[str, Any]]]:
    """What users of each of the module's ``BENCH_HOSTS`` were answered since before the recovery, oldest first."""
    return {name: _answers(host_named(name)) for name in request.module.BENCH_HOSTS}


def _answers(host: Host) -> list[dict[str, Any]]:
    lines = host.file("/root/traffic.jsonl").content_string.splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]
