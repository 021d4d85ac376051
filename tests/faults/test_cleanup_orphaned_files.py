"""Files without a document are told, go to quarantine alone, and come back: orphans, rules/orphaned_files."""

from __future__ import annotations

import hashlib
import json
import os
import time
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import run as cleanup_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.plan import decode_plan, digest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.planning import make_plan
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.orphaned_files import ORPHANED_FILES
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean, run_undo
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute

from tests.cleanup_folder import DAY_SECONDS
from tests.killed_at_changes import kills
from tests.lab import MariaDBServer
from tests.lab.schema import DOCTYPES
from tests.log_site import SITE, LogSite

QUARANTINE: dict[str, Any] = {"orphaned_files": {"quarantine": True}}
ORPHANS = ("private/files/inner/b.pdf", "public/files/a.png")
KNOWN = {
    "public/files/with space.png": "/files/with%20space.png",
    "public/files/query.png": "/files/query.png?fid=abc",
    "private/files/" + unicodedata.normalize("NFD", "größe.txt"): "/private/files/größe.txt",
    "private/files/plain.txt": "/private/files/plain.txt",
}


class FileSite(LogSite):
    """A site with files and documents of files; looked at as if two days had passed."""

    def make(self) -> None:
        """Make the table and the files."""
        (document,) = (doctype for doctype in DOCTYPES if doctype.name == "File")
        execute(self.administrator, document.create_statement())
        for number, (path, url) in enumerate(KNOWN.items()):
            self.write(path)
            self.document(f"known-{number}", url)
        self.write("public/files/plain_small.txt")
        execute(
            self.administrator, "UPDATE tabFile SET thumbnail_url = '/files/plain_small.txt' WHERE name = 'known-3'"
        )
        self.document("folder", "/files/folder", is_folder=1)
        self.document("elsewhere", "https://example.com/x.png")
        for path in ORPHANS:
            self.write(path)
        self.now = time.time() + 2 * DAY_SECONDS

    @property
    def site_path(self) -> Path:
        return self.bench.site(SITE).path

    def write(self, path: str, content: str = "x" * 5000) -> Path:
        """Write a file of the site."""
        target = self.site_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        return target

    def document(self, name: str, url: str, **values: Any) -> None:
        """Insert a document of a file."""
        self.insert("File", [name], 1, file_url=url, **values)

    def files(self) -> set[str]:
        """Return the files that a browser may see, by their paths."""
        return {
            f"{tree}/{path.relative_to(self.site_path / tree)}"
            for tree in ("public/files", "private/files")
            for path in (self.site_path / tree).rglob("*")
            if path.is_file()
        }


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test look from a later day, as if the host's clock had gone on."""
    monkeypatch.setattr(cleanup_run, "refuse_clock_ahead", lambda _now: None)


@pytest.fixture
def site(tmp_path: Path, mariadb_server: MariaDBServer, database: str) -> Iterator[FileSite]:
    site = FileSite(tmp_path, mariadb_server, database)
    site.make()
    yield site
    site.close()


@pytest.mark.promise(25)
def test_files_without_a_document_are_told_and_stay(site: FileSite) -> None:
    site.document("missing", "/private/files/gone.pdf")
    before = site.files()
    done = site.clean({"orphaned_files": {}})
    assert not done["changed"]
    assert done["tasks"] == []
    ((count, text),) = [(note["count"], note["text"]) for note in done["noted"]]
    assert count == 2
    assert all(path in text for path in ORPHANS)
    assert "1 document without a file (/private/files/gone.pdf)" in text
    assert "Texts, web pages and apps" in text
    assert site.files() == before


@pytest.mark.promise(25)
def test_files_go_to_quarantine_once_and_come_back(site: FileSite) -> None:
    before = site.files()
    planned = json.loads(site.clean(QUARANTINE, check_mode=True)["plan"])
    assert site.files() == before
    done = site.clean(QUARANTINE)
    assert [(task["outcome"], task["count"]) for task in done["tasks"]] == [("quarantined", 2)]
    assert any(line.endswith("2 files moved to quarantine") for line in done["lines"])
    assert site.files() == before - set(ORPHANS)
    assert not site.clean(QUARANTINE)["changed"]
    run = planned["tasks"][0]["parameters"]["run"]
    assert run in planned["tasks"][0]["reason"]
    assert run_undo(site.request(QUARANTINE), run, check_mode=False)["outcomes"] == {"restored": 2}
    assert site.files() == before
    site.clean(QUARANTINE)
    expired = site.clean({}, now=time.time() + 30 * DAY_SECONDS)
    assert len(expired["expired_runs"]) == 1
    assert not (site.site_path / ".lifeboat-quarantine").exists()


def test_new_open_and_protected_files_stay(site: FileSite) -> None:
    before = site.files()
    assert not site.clean(QUARANTINE, now=time.time())["changed"], "they are new"
    with (site.site_path / ORPHANS[0]).open():
        assert site.clean(QUARANTINE, protected=("*/public/*",))["changed"] is False
    assert site.files() == before


def test_file_whose_content_a_document_misses_stays(site: FileSite) -> None:
    content = "y" * 700
    known = hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
    site.write("public/files/renamed.png", content)
    site.document("missing", "/files/original.png", content_hash=known, file_size=700)
    site.document("twin", "/private/files/twin.txt", content_hash="0" * 32, file_size=5000)
    execute(site.administrator, "UPDATE tabFile SET content_hash = %s WHERE name = 'known-0'", ("0" * 32,))
    done = site.clean(QUARANTINE)
    assert "1 of which have the content of another one" in done["noted"][0]["text"]
    assert done["tasks"][0]["count"] == 2
    assert "public/files/renamed.png" in site.files()


def test_document_and_link_between_plan_and_apply_keep_the_file(site: FileSite) -> None:
    request = site.request(QUARANTINE)
    plan = make_plan(request)
    site.document("late", "/files/a.png")
    victim = site.write("private/files/plain.txt", "precious")
    swapped = site.site_path / ORPHANS[0]
    swapped.unlink()
    swapped.symlink_to(victim)
    done = run_clean(request, plan, check_mode=False)
    assert [(task["outcome"], task["count"]) for task in done["tasks"]] == [("gone", 0)]
    assert not done["changed"]
    assert victim.read_text() == "precious"
    assert (site.site_path / "public/files/a.png").exists()


@pytest.mark.parametrize("path", ["site_config.json", "public/files/../../site_config.json"])
def test_plan_that_names_something_else_moves_nothing(site: FileSite, path: str) -> None:
    planned = json.loads(site.clean(QUARANTINE, check_mode=True)["plan"])
    planned["tasks"][0]["parameters"]["files"][0]["path"] = path
    content = json.dumps(planned).encode()
    forged = decode_plan(content, digest(content), planned["host"])
    before = site.files()
    done = run_clean(site.request(QUARANTINE), forged, check_mode=False)
    assert done["refused"][0]["error_code"] == "plan_refused"
    assert site.files() == before


def test_database_of_another_site_is_refused(site: FileSite) -> None:
    before = site.files()
    execute(site.administrator, "DELETE FROM tabFile WHERE name <> 'known-0'")
    done = site.clean(QUARANTINE)
    assert (done["changed"], done["refused"][0]["error_code"]) == (False, "orphans_implausible")
    site.configure("wrong")
    assert site.clean(QUARANTINE)["refused"][0]["error_code"] == "mariadb_access_denied"
    assert site.files() == before


@pytest.mark.promise(11)
def test_killed_cleanup_is_completed_by_the_next(site: FileSite) -> None:
    before = site.files()

    def put_back() -> None:
        kept = site.folder / "state" / "cleanup"
        for path in sorted(kept.glob("*.json")) if kept.is_dir() else ():
            run_undo(site.request(QUARANTINE), path.stem, check_mode=False)
        assert site.files() == before

    def clean() -> None:
        with closing(connect(site.server.login, site.database)) as site.administrator:
            site.clean(QUARANTINE)

    for number in kills(put_back, clean):
        site.now += 1
        site.clean(QUARANTINE)
        assert site.files() == before - set(ORPHANS), number


def test_time_that_is_over_leaves_the_rest(site: FileSite) -> None:
    request = site.request(QUARANTINE)
    plan = make_plan(request)
    outcome = ORPHANED_FILES.apply(request.context, plan.tasks[0], -1.0)
    assert (outcome.outcome, outcome.count) == ("out of time", 0)
    os.utime(site.site_path / ORPHANS[0])
    assert run_clean(request, plan, check_mode=False)["tasks"][0]["count"] == 1
    (site.site_path / ORPHANS[0]).unlink()
    assert run_clean(request, plan, check_mode=False)["tasks"][0]["outcome"] == "gone"
