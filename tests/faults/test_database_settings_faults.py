"""Settings of a server whose change is killed, whose disk is full, or whose file the server does not understand."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings import applying
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.drop_in import read_drop_in
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.kept import KeptStore
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.live import read_live
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.plan import plan_settings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.configured_server import GIVEN, absent_drop_in, configured_server, run_settings_module, running_values
from tests.killed_at_changes import kills
from tests.lab.mariadb import MariaDBServer
from tests.promotion_stage import exit_code_of

FORMER = "[mariadbd]\nmax_connections = 95\n"
REVIEWED = "[mariadbd]\nmax_connections = 120\nsync_binlog = 1\ninnodb_doublewrite = ON\n"
APPLIED = {**GIVEN, "max_connections": "120", "sync_binlog": "1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    with configured_server(tmp_path_factory.mktemp("configured")) as server:
        yield server


@pytest.fixture
def drop_in(server: MariaDBServer) -> Iterator[Path]:
    yield absent_drop_in(server)
    absent_drop_in(server)


def apply(server: MariaDBServer, drop_in: Path, folder: Path, text: str = REVIEWED) -> None:
    """Do what the module does once it knows what is wanted."""
    connection = connect(server.login)
    live = read_live(connection)
    wanted = read_drop_in(text)
    plan = plan_settings(applying.read_file(drop_in), wanted, live, set(wanted.values), None)
    ((hostname, datadir),) = fetch_all(connection, "SELECT @@hostname, @@datadir")
    applying.apply_plan(connection, drop_in, plan, KeptStore(folder / "state", hostname, datadir), 0.0)


@pytest.mark.promise(11)
@pytest.mark.parametrize("is_completed", [True, False], ids=["completed", "put back"])
def test_killed_between_the_file_and_the_server(
    server: MariaDBServer, drop_in: Path, tmp_path: Path, is_completed: bool
) -> None:
    drop_in.write_text(FORMER)

    def die() -> None:
        applying.set_live = lambda *_arguments: os.kill(os.getpid(), signal.SIGKILL)
        apply(server, drop_in, tmp_path)

    assert exit_code_of(die) == -signal.SIGKILL
    assert (drop_in.read_text(), running_values(server)) == (REVIEWED, GIVEN)
    if is_completed:
        # Nothing is advised to a server that was just started: what was begun is completed all the same.
        done = run_settings_module(server, tmp_path, state="applied", least_uptime_hours=24)
        assert done["applied"] == {"max_connections": "120", "sync_binlog": "1"}
        assert running_values(server) == APPLIED
        again = run_settings_module(server, tmp_path, state="applied", least_uptime_hours=24)
        assert not again["changed"]
    run_settings_module(server, tmp_path, state="restored")
    assert (drop_in.read_text(), running_values(server)) == (FORMER, GIVEN)


@pytest.mark.promise(11)
def test_killed_at_each_change_of_a_file(server: MariaDBServer, drop_in: Path, tmp_path: Path) -> None:
    folders = [tmp_path]

    def begin() -> None:
        drop_in.write_text(FORMER)
        folders.append(tmp_path / str(len(folders)))
        folders[-1].mkdir()

    numbers = []
    for number in kills(begin, lambda: apply(server, drop_in, folders[-1])):
        numbers.append(number)
        assert drop_in.read_text() in (FORMER, REVIEWED)
        restored = run_settings_module(server, folders[-1], state="restored")
        assert not restored["failed"], restored
        assert (drop_in.read_text(), running_values(server)) == (FORMER, GIVEN)
    assert len(numbers) >= 5
    assert (drop_in.read_text(), running_values(server)) == (REVIEWED, APPLIED)
    run_settings_module(server, folders[-1], state="restored")
    assert (drop_in.read_text(), running_values(server)) == (FORMER, GIVEN)


@pytest.mark.promise(25)
def test_file_that_the_server_does_not_understand_never_gets_into_place(
    server: MariaDBServer, drop_in: Path, tmp_path: Path
) -> None:
    text = "[mariadbd]\ninnodb_doublewrite = fast\n"  # of later versions
    digest = sha256(text.encode()).hexdigest()
    refused = run_settings_module(server, tmp_path, state="applied", settings=text, settings_sha256=digest)
    assert refused["error_code"] == "settings_refused"
    assert "innodb-doublewrite" in refused["msg"]
    assert not drop_in.exists()


@pytest.mark.promise(25)
def test_statement_that_fails_leaves_all_as_it_was(
    server: MariaDBServer, drop_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop_in.write_text(FORMER)
    set_live = applying.set_live

    def fail_at_the_second(connection: object, values: dict[str, str]) -> None:
        first, *others = values.items()
        set_live(connection, dict([first]))
        monkeypatch.setattr(applying, "set_live", set_live)
        raise LifeboatError(f"Cannot set {others[0][0]}.", "mariadb_statement_failed")

    monkeypatch.setattr(applying, "set_live", fail_at_the_second)
    with pytest.raises(LifeboatError, match="Cannot set"):
        apply(server, drop_in, tmp_path)
    assert (drop_in.read_text(), running_values(server)) == (FORMER, GIVEN)
    assert not list((tmp_path / "state").rglob("previous.json"))

    earlier = "[mariadbd]\nmax_connections = 100\n"
    apply(server, drop_in, tmp_path, earlier)
    monkeypatch.setattr(applying, "set_live", fail_at_the_second)
    with pytest.raises(LifeboatError, match="Cannot set"):
        apply(server, drop_in, tmp_path)
    assert (drop_in.read_text(), running_values(server)) == (earlier, {**GIVEN, "max_connections": "100"})
    run_settings_module(server, tmp_path, state="restored")
    assert (drop_in.read_text(), running_values(server)) == (FORMER, GIVEN)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk without a byte left."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("NOT TESTED: mounting a small file system needs root")
    try:
        with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
            while filler.write(b"x" * 4096):
                pass
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.promise(9)
def test_full_disk_of_the_file_changes_nothing(server: MariaDBServer, small_disk: Path, tmp_path: Path) -> None:
    place = small_disk / "90-lifeboat.cnf"
    with pytest.raises(LifeboatError) as full:
        apply(server, place, tmp_path)
    assert full.value.error_code == "disk_space"
    assert (place.exists(), running_values(server)) == (False, GIVEN)
    (small_disk / "filler").unlink()
    apply(server, place, tmp_path)
    assert (place.read_text(), running_values(server)) == (REVIEWED, APPLIED)
    assert not run_settings_module(server, tmp_path, state="restored")["failed"]
    assert (place.exists(), running_values(server)) == (False, GIVEN)


@pytest.mark.promise(9)
def test_full_disk_of_the_state_changes_nothing(server: MariaDBServer, drop_in: Path, small_disk: Path) -> None:
    digest = sha256(REVIEWED.encode()).hexdigest()
    refused = run_settings_module(server, small_disk, state="applied", settings=REVIEWED, settings_sha256=digest)
    assert refused["error_code"] == "disk_space"
    assert (drop_in.exists(), running_values(server)) == (False, GIVEN)
