"""Work on indexes that is killed anywhere: no index is ever ignored without that being written down."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema import apply
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.month import watch_end
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.quarantine import PLANNED_SECONDS
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.state import SchemaState, StateFile

from tests.killed_at_changes import kills
from tests.lab import MariaDBServer
from tests.promotion_stage import exit_code_of
from tests.schema_site import SITE, SchemaSite, counting

PLAIN = ("tabToDo", "plain")
QUICK: dict[str, Any] = {"sections": ("indexes",)}


@pytest.fixture(scope="module")
def whole_site(tmp_path_factory: pytest.TempPathFactory, mariadb_server: MariaDBServer) -> Iterator[SchemaSite]:
    with counting(mariadb_server):
        site = SchemaSite(tmp_path_factory.mktemp("site"), mariadb_server)
        site.run("ALTER TABLE tabToDo ADD INDEX plain (reference_name)")
        yield site
        site.close()


@pytest.fixture
def site(whole_site: SchemaSite, tmp_path: Path) -> SchemaSite:
    whole_site.state_path = tmp_path / "state"
    whole_site.run("ALTER TABLE tabToDo ALTER INDEX plain NOT IGNORED")
    return whole_site


def remembered(site: SchemaSite) -> SchemaState:
    return StateFile(site.state_path, SITE).read()


def killed(*_arguments: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.promise(11)
def test_kill_before_any_change_leaves_no_ignored_index_that_nobody_knows_of(site: SchemaSite) -> None:
    def prepare() -> None:
        site.look("restored", **QUICK)
        assert not site.is_ignored("plain")

    changes = []
    for number in kills(prepare, lambda: site.look("ignored", PLAIN, **QUICK)):
        changes.append(number)
        assert PLAIN in remembered(site).entries or not site.is_ignored("plain")
    # It is written down, ignored, and written down again.
    assert len(changes) > 3
    assert site.is_ignored("plain")


@pytest.mark.promise(11)
def test_kill_between_the_note_and_the_statement(site: SchemaSite, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(apply, "_alter", killed)
        assert exit_code_of(lambda: site.look("ignored", PLAIN, **QUICK)) == -signal.SIGKILL
    assert (remembered(site).entries[PLAIN].phase, site.is_ignored("plain")) == ("planned", False)
    # The server may still come to a statement that it got: the note stays for as long as that may last.
    request = site.request(**QUICK)
    site.look(now=request.now, **QUICK)
    assert PLAIN in remembered(site).entries
    site.look(now=request.now + 2 * PLANNED_SECONDS, **QUICK)
    assert PLAIN not in remembered(site).entries


@pytest.mark.promise(11)
def test_kill_between_the_statement_and_the_note(site: SchemaSite, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(apply, "_after", killed)
        assert exit_code_of(lambda: site.look("ignored", PLAIN, **QUICK)) == -signal.SIGKILL
    assert (remembered(site).entries[PLAIN].phase, site.is_ignored("plain")) == ("planned", True)
    assert not site.look(**QUICK)["changed"]
    assert remembered(site).entries[PLAIN].phase == "ignored"
    assert site.look("restored", **QUICK)["changed"]
    assert (dict(remembered(site).entries), site.is_ignored("plain")) == ({}, False)


@pytest.mark.promise(11)
def test_kill_while_an_index_comes_back(site: SchemaSite, monkeypatch: pytest.MonkeyPatch) -> None:
    for step, is_ignored in (("_alter", True), ("_after", False)):
        site.look("ignored", PLAIN, **QUICK)
        with monkeypatch.context() as patched:
            patched.setattr(apply, step, killed)
            assert exit_code_of(lambda: site.look("restored", **QUICK)) == -signal.SIGKILL
        assert site.is_ignored("plain") is is_ignored
        assert PLAIN in remembered(site).entries
        site.look("restored", **QUICK)
        assert (dict(remembered(site).entries), site.is_ignored("plain")) == ({}, False)


@pytest.mark.promise(11)
def test_kill_while_an_index_is_dropped_keeps_the_way_back(site: SchemaSite, monkeypatch: pytest.MonkeyPatch) -> None:
    request = site.request("ignored", PLAIN, **QUICK)
    site.look("ignored", PLAIN, now=request.now, **QUICK)
    end = watch_end(request.now, 35)
    monkeypatch.setattr(
        "ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.clock.LIMIT_SECONDS", 2 * end
    )
    for step, is_there in (("_alter", True), ("_after", False)):
        with monkeypatch.context() as patched:
            patched.setattr(apply, step, killed)
            code = exit_code_of(lambda: site.look("dropped", PLAIN, now=end, **QUICK))
        assert code == -signal.SIGKILL
        assert site.has_index("plain") is is_there
        assert remembered(site).entries[PLAIN].phase == "dropping"
    site.look(now=end, **QUICK)
    (dropped,) = remembered(site).dropped
    site.run(str(dropped["create_statement"]))
    assert site.has_index("plain")
