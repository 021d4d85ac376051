"""How a point in time is built on this host and gets to a live server, and what tells two points apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import (
    Manifest,
    ManifestFile,
    ManifestServer,
    ManifestTable,
    write_manifest,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import ServerFacts
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import point_source_choice
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.database_source import DumpSource
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.point_source import PointInTimeSource
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.point_source_choice import (
    PointRequest,
    choose_point_source,
    private_version,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.source_choice import ChosenSource
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.tablespace_source import TablespaceSource
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.replay_plans import REPLAY, UNDO

HERE = "10.11.19-MariaDB"
LIVE = ServerFacts(HERE, "/nowhere", "db", 3306, True, 1 << 24, 16384, 0)


@pytest.fixture
def choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "database.sql.gz").write_bytes(b"dump")
    monkeypatch.setattr(point_source_choice, "private_version", lambda: HERE)

    def choose(
        *kinds: str,
        version: str = HERE,
        page_size_bytes: int = LIVE.page_size_bytes,
        engines: tuple[str, ...] = ("InnoDB", "MyISAM"),
        can_place_files: bool = True,
        undo: Any = None,
        latest: bool = False,
    ) -> ChosenSource:
        monkeypatch.setattr(point_source_choice, "can_place_files", lambda _facts: can_place_files)
        moment, server = "2026-11-21T03:00:00Z", ManifestServer(version, page_size_bytes, 1, "db", 3306)
        tables = tuple(ManifestTable(f"tab{engine}", engine) for engine in engines)
        files = (ManifestFile("tablespaces/x.ibd", "tablespace", 100, ""),)
        write_manifest(
            folder,
            Manifest(
                *("20261121_030000-erp", "erp", kinds, moment, moment, moment, REPLAY.base, "_a1b2", server),
                *((), "", "", "", tables, (), files, None),
            ),
        )
        artifacts = [{"kind": "database", "path": str(folder / "database.sql.gz")}]
        replay = replace(REPLAY, is_latest=latest)
        journal = Journal.open(tmp_path / "state", "erp", "20261121T031522Z-9f3a")
        plan = {"set": {"folder": str(folder), "artifacts": artifacts}, "replay": replay.as_dict(), "undo": undo}
        journal.append("recovery", "begin", plan=plan)
        request = PointRequest(
            site=Bench(tmp_path).site("erp"),
            journal=journal,
            login=LoginOptions(),
            repository=Repository(tmp_path / "repository"),
            key=None,
            binary_log="logged",
            drain_timeout_seconds=1,
            reserve_bytes=0,
        )
        return choose_point_source(request, LIVE, None, ProgressReporter())  # type: ignore[arg-type]

    return choose


def source_of(chosen: ChosenSource) -> PointInTimeSource:
    assert isinstance(chosen.source, PointInTimeSource)
    return chosen.source


def test_tables_are_the_base_and_the_result_where_everything_fits(choose: Any) -> None:
    chosen = choose("logical", "physical")
    assert isinstance(source_of(chosen).base, TablespaceSource)
    assert chosen.load.kind == source_of(chosen).kind == "physical"
    assert "from the private server" in chosen.load.reason


@pytest.mark.parametrize(
    "options",
    [{"engines": ("InnoDB", "Aria")}, {"can_place_files": False}, {"page_size_bytes": 8192}],
    ids=["engine", "no files", "pages"],
)
def test_a_dump_is_the_result_where_tables_cannot_be_files(choose: Any, options: dict[str, Any]) -> None:
    chosen = choose("logical", **options)
    assert isinstance(source_of(chosen).base, DumpSource)
    assert chosen.load.kind == source_of(chosen).kind == "logical"
    assert "is dumped" in chosen.load.reason
    assert source_of(chosen).page_size_bytes == options.get("page_size_bytes", LIVE.page_size_bytes)


def test_the_dump_is_the_base_where_this_host_has_another_version(choose: Any) -> None:
    assert isinstance(source_of(choose("logical", "physical", version="10.6.1-MariaDB")).base, DumpSource)
    with pytest.raises(LifeboatError) as refusal:
        choose("physical", version="10.6.1-MariaDB")
    assert refusal.value.error_code == "physical_unsupported"


def test_two_points_of_one_set_are_two_sources(choose: Any) -> None:
    paths = [
        choose("logical", **options).source.origin.path
        for options in ({}, {"undo": UNDO.as_dict()}, {"latest": True}, {"latest": True, "undo": UNDO.as_dict()})
    ]
    assert len(set(paths)) == len(paths)
    assert paths[0].endswith("@0-1-9")
    assert choose("logical").source.origin.path == paths[0]


def test_the_version_of_this_host_is_asked_of_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "mariadbd"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for said, version in (("mariadbd  Ver 11.8.2-MariaDB for debian-linux-gnu", "11.8.2-MariaDB"), ("hello", None)):
        program.write_text(f"#!/bin/sh\necho '{said}'\n")
        program.chmod(0o755)
        if version:
            assert private_version() == version
            continue
        with pytest.raises(LifeboatError) as refusal:
            private_version()
        assert refusal.value.error_code == "command_failed"
