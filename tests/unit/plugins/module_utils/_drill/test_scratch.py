"""The scratch place of a drill can never be the live one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.scratch import (
    ServerIdentity,
    make_scratch,
    refuse_known_database,
    refuse_live_server,
    refuse_unsafe_folder,
    remove_scratch,
    scratch_folder,
    server_identity,
    used_bytes,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.unit.plugins.module_utils._recovery.answers import AnsweringConnection

LIVE = ServerIdentity("db", "/var/lib/mysql/", "/run/mysqld/mysqld.sock", "/run/mysqld/mysqld.pid", 3306, 1, "uid=")


def answering(answers: dict[str, list[tuple[Any, ...]]]) -> Any:
    """Return a connection that answers from these rows, by a part of the statement."""
    return AnsweringConnection(list(answers.items()))


def scratch_of(folder: Path) -> ServerIdentity:
    """Return the identity of a server of a drill."""
    return ServerIdentity(
        "db", f"{folder}/server/data/", "private.sock", f"{folder}/server/private.pid", 3306, 77, "uid="
    )


def test_a_server_in_the_scratch_folder_is_another_one(tmp_path: Path) -> None:
    """Also where it has the port, hence the uid, of the live one."""
    refuse_live_server(scratch_of(tmp_path), LIVE, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"datadir": "/var/lib/mysql"},
        {"pid_file": "/run/mysqld/mysqld.pid"},
        {"server_id": 1},
        {"datadir": "/tmp/elsewhere"},
    ],
    ids=["the live data", "the live process", "the live identity", "a place of somebody else"],
)
def test_a_server_that_may_be_the_live_one_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    """Before anything is written to it."""
    with pytest.raises(LifeboatError, match="is not the drill's own, or is the live one") as refused:
        refuse_live_server(replace(scratch_of(tmp_path), **change), LIVE, tmp_path)
    assert refused.value.error_code == "drill_scratch_unsafe"


def test_the_live_data_directory_is_known_through_a_link(tmp_path: Path) -> None:
    """Whatever its path says."""
    data = tmp_path / "server" / "data"
    data.mkdir(parents=True)
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(data)
    live = replace(LIVE, datadir=str(link))
    with pytest.raises(LifeboatError):
        refuse_live_server(scratch_of(tmp_path), live, tmp_path)


@pytest.mark.parametrize(
    ("scratch", "is_safe"),
    [
        ("state/a.b/lifeboat-drill-1", True),
        ("bench/sites/a.b/lifeboat-drill-1", False),
        ("bench/sites", False),
        ("bench", False),
        ("link/a.b/lifeboat-drill-1", False),
    ],
    ids=["apart", "in it", "it", "around it", "by a link"],
)
def test_a_folder_in_or_around_a_live_place_is_refused(tmp_path: Path, scratch: str, is_safe: bool) -> None:
    """Whether it exists already or not."""
    live = tmp_path / "bench" / "sites"
    live.mkdir(parents=True)
    (tmp_path / "link").symlink_to(live)
    if is_safe:
        refuse_unsafe_folder(tmp_path / scratch, [live])
        return
    with pytest.raises(LifeboatError, match="are not apart") as refused:
        refuse_unsafe_folder(tmp_path / scratch, [live])
    assert refused.value.error_code == "drill_scratch_unsafe"


def test_the_folder_of_a_drill_is_private_and_goes_away_whole(tmp_path: Path) -> None:
    """With its size known before."""
    scratch = scratch_folder(tmp_path / "state", "a.b", "20261121T031522Z-9f3a")
    assert scratch == tmp_path / "state" / "a.b" / "lifeboat-drill-20261121T031522Z-9f3a"
    assert used_bytes(scratch) == 0
    make_scratch(scratch)
    assert scratch.stat().st_mode & 0o777 == 0o700
    (scratch / "inner").mkdir()
    (scratch / "inner" / "file").write_bytes(b"12345")
    assert used_bytes(scratch) == 5
    remove_scratch(scratch)
    remove_scratch(scratch)
    assert not scratch.exists()
    assert scratch.parent.is_dir()


def test_a_folder_that_is_not_of_a_drill_is_never_removed(tmp_path: Path) -> None:
    """Whatever a damaged file says."""
    with pytest.raises(LifeboatError, match="is no folder of a drill"):
        remove_scratch(tmp_path)
    assert tmp_path.is_dir()


def test_a_database_that_is_there_already_is_refused() -> None:
    """The drill's own server has none."""
    with pytest.raises(LifeboatError, match="has a database _a already") as refused:
        refuse_known_database(answering({"information_schema.SCHEMATA": [(1,)]}), "_a")
    assert refused.value.error_code == "drill_scratch_unsafe"
    refuse_known_database(answering({"information_schema.SCHEMATA": []}), "_a")


@pytest.mark.parametrize(("answer", "uid"), [([("server_uid", "uid=")], "uid="), ([], "")], ids=["new", "old"])
def test_an_old_server_has_no_uid(answer: list[tuple[str, str]], uid: str) -> None:
    """It is told apart by the rest."""
    row = (LIVE.hostname, LIVE.datadir, LIVE.socket, LIVE.pid_file, "3306", "1")
    found = server_identity(answering({"@@hostname": [row], "server_uid": answer}))
    assert found == replace(LIVE, server_uid=uid)
