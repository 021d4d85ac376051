from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import manifest_digest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.load_target import LoadTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import ServerFacts
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.schema import (
    Schema,
    TableDefinition,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.tablespace_set import (
    TableFiles,
    TablespaceFile,
    TablespaceSet,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import space
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.crash_shield import ShieldedSource
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.source_choice import choose_source
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.tablespace_source import (
    LoadableTablespaces,
    TablespaceSource,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.backup_sets import RUN, write_repository_set

CONTENTS = {"__Auth.ibd": b"pages" * 1000, "__Auth.cfg": b"columns"}
FACTS = ServerFacts("10.11.19-MariaDB", "/nowhere", "elsewhere", 3306, True, 1 << 24, 16384, 0)


def description(contents: dict[str, bytes]) -> bytes:
    files = tuple(TablespaceFile(name, len(text), hashlib.sha256(text).hexdigest()) for name, text in contents.items())
    definition = TableDefinition("__Auth", "InnoDB", "__Auth", "CREATE TABLE `__Auth` (`name` int) ENGINE=InnoDB")
    schema = Schema("utf8mb4", "utf8mb4_unicode_ci", (definition,), (), (), ())
    tables = TablespaceSet(Path(), "_a", schema, (TableFiles("__Auth", "InnoDB", files),), "10.11.19", 16384)
    values = {**asdict(tables), "folder": "", "description_version": 1}
    return json.dumps(values).encode()


def written(folder: Path, described: dict[str, bytes] | None = None, **changes: Any) -> Path:
    """Write a set whose description may tell of other files than the manifest."""
    files = {f"tablespaces/{name}": ("tablespace", text) for name, text in CONTENTS.items()}
    files[f"{RUN}-schema.json"] = ("schema", description(described or CONTENTS))
    return write_repository_set(folder / "site1.local", kinds=("physical",), files=files, **changes)


def opened(folder: Path, scratch: Path, **options: Any) -> LoadableTablespaces:
    with ExitStack() as stack:
        source = TablespaceSource.of_set(folder, **options)
        return stack.enter_context(source.opened(scratch, ProgressReporter()))


def test_a_folder_of_tables_is_used_where_it_is(tmp_path):
    folder = written(tmp_path)
    loadable = opened(folder, tmp_path / "scratch")
    assert loadable.source.tablespaces.folder == folder / "tablespaces"
    assert (loadable.source.may_move, loadable.source.reads_all) == (False, True)
    assert loadable.source.rows == {"__Auth": 1}
    assert not (tmp_path / "scratch").exists()
    total_bytes = sum(
        path.stat().st_size for path in folder.rglob("*") if path.name != "manifest.json" and path.is_file()
    )
    assert TablespaceSource.of_set(folder).origin.size_bytes == total_bytes


def test_what_is_moved_within_a_file_system_needs_no_room(tmp_path):
    source = opened(written(tmp_path), tmp_path).source
    tables_bytes = sum(map(len, CONTENTS.values()))
    assert LoadableTablespaces(source).needed_bytes(tmp_path) == tables_bytes
    moved = LoadableTablespaces(replace(source, may_move=True))
    assert moved.needed_bytes(tmp_path) == 0
    assert moved.needed_bytes(Path("/proc")) == tables_bytes


def test_a_proven_set_is_not_read_twice(tmp_path):
    folder = written(tmp_path, proven_at="2026-11-21T03:50:00Z")
    assert not opened(folder, tmp_path / "scratch").source.reads_all


def test_a_description_of_other_files_than_the_manifest_names_is_refused(tmp_path):
    for number, described in enumerate(({**CONTENTS, "__Auth.ibd": b"other pages"}, {**CONTENTS, "__Auth.cfg": b""})):
        folder = written(tmp_path / str(number), described)
        with pytest.raises(LifeboatError) as raised:
            opened(folder, tmp_path / "scratch")
        assert raised.value.error_code == "artifact_corrupt"


def test_a_changed_description_is_refused_unread(tmp_path):
    folder = written(tmp_path)
    (folder / f"{RUN}-schema.json").write_bytes(b"{}")
    with pytest.raises(LifeboatError) as raised:
        opened(folder, tmp_path / "scratch")
    assert raised.value.error_code == "artifact_corrupt"


def test_a_set_without_a_description_is_refused(tmp_path):
    files = {f"tablespaces/{name}": ("tablespace", text) for name, text in CONTENTS.items()}
    folder = write_repository_set(tmp_path / "site1.local", kinds=("physical",), files=files)
    with pytest.raises(LifeboatError) as raised:
        opened(folder, tmp_path / "scratch")
    assert raised.value.error_code == "tablespaces_invalid"


def test_an_archive_that_the_disk_has_no_room_for_is_not_unpacked(tmp_path, monkeypatch):
    files = {
        f"{RUN}-schema.json": ("schema", description(CONTENTS)),
        f"{RUN}-tablespaces.tar": ("tablespaces", b"an archive"),
    }
    folder = write_repository_set(tmp_path / "site1.local", kinds=("physical",), files=files)
    monkeypatch.setattr(space, "free_bytes", lambda _path: 10_000)
    with pytest.raises(LifeboatError) as raised:
        opened(folder, tmp_path / "scratch", reserve_bytes=9_000)
    assert raised.value.error_code == "disk_space"
    assert not (tmp_path / "scratch").exists()


def test_tables_are_never_imported_by_a_server_of_another_host(tmp_path):
    target = LoadTarget(LoginOptions(), "_a", LoginOptions(), "localhost", 1, False)
    with pytest.raises(LifeboatError) as raised:
        opened(written(tmp_path), tmp_path).load(target, FACTS, ProgressReporter(), lambda: None)
    assert raised.value.error_code == "server_not_local"


def test_what_nobody_imported_goes_behind_the_shield(tmp_path, monkeypatch):
    here = ServerFacts("10.11.19-MariaDB", str(tmp_path), "h", 3306, True, 1 << 24, 16384, 0)
    monkeypatch.setattr("socket.gethostname", lambda: "h")
    chosen_set = {"folder": str(written(tmp_path)), "kinds": ["physical"], "artifacts": []}
    chosen = choose_source(chosen_set, None, None, here, "logged", 0)
    assert isinstance(chosen.source, ShieldedSource)
    assert (chosen.source.kind, chosen.source.origin.path, chosen.load.kind) == (
        "physical",
        chosen_set["folder"],
        "physical",
    )
    assert 1 <= chosen.connections <= 8
    proven = {**chosen_set, "folder": str(written(tmp_path / "proven", proven_at="2026-11-21T03:50:00Z"))}
    assert isinstance(choose_source(proven, None, None, here, "logged", 0).source, TablespaceSource)
    drilled = manifest_digest(Path(chosen_set["folder"]))
    assert isinstance(choose_source(chosen_set, None, None, here, "logged", 0, {drilled}).source, TablespaceSource)
