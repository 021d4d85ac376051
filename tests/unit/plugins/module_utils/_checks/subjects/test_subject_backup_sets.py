"""The checks of a site's backup sets, on small sets of files: age, wholeness, proof, copies and keys."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.drill_records import append_drill_record
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.configuration import key_fingerprint
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects import backup_sets
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import append_record

from tests.backup_sets import archive, write_repository_set, write_set
from tests.fake_site import NAME, FakeSite

# FakeSite's now is 2033-05-18T03:33:20Z.
OLDER, NEWER = "20330516_033320-erp_example_com", "20330517_153320-erp_example_com"
RECORDED = {"site": NAME, "ended_at": "2033-05-18T02:33:20Z"}


class Backups:
    """A site, and a repository that its backups go to."""

    def __init__(self, folder: Path) -> None:
        self.fake = FakeSite(folder)
        self.folder = folder
        self.site_folder = folder / "repository" / "sites" / NAME
        self.state_path = folder / "state"
        self.state_path.mkdir()

    def look(self, check_id: str, **settings: tuple[str, ...]) -> dict[str, Finding]:
        chosen = Settings(repository_path=str(self.folder / "repository"), **settings)
        return self.fake.look(check_id, settings=chosen, state_path=self.state_path)

    def one(self, check_id: str, **settings: tuple[str, ...]) -> tuple[str, str]:
        """Return how severe the only finding is, and its text."""
        (finding,) = self.look(check_id, **settings).values()
        return finding.severity, finding.text

    def make(self, name: str) -> Path:
        return write_repository_set(self.site_folder, name)

    def make_plain(self, name: str, folder: Path, padding: bytes = b"") -> dict[str, Path]:
        """Make a set as Frappe does, without a manifest."""
        public, private = (archive({"a.txt": padding}, kind, NAME) for kind in ("public", "private"))
        return write_set(folder, name, files=public, private_files=private)

    @property
    def own_folder(self) -> Path:
        return self.fake.site.path / "private" / "backups"


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    return Backups(tmp_path)


def test_age_is_that_of_the_newest_complete_set(backups: Backups) -> None:
    assert backups.one("B01") == ("critical", "no backup set at all")
    folder = backups.make(OLDER)
    assert backups.look("B01")[""].value == 2 * 86400
    newer = backups.make(NEWER)
    assert backups.look("B01")[""].value == 12 * 3600
    next(newer.glob("*-database.sql.gz")).unlink()
    assert OLDER in backups.one("B01")[1]
    next(folder.glob("*-database.sql.gz")).unlink()
    assert backups.one("B01") == ("critical", "no complete set; 2 incomplete")


def test_every_byte_of_the_newest_set_is_read(backups: Backups) -> None:
    assert backups.one("B02")[0] == "skipped"
    older, newer = backups.make(OLDER), backups.make(NEWER)
    assert backups.one("B02")[0] == "ok"
    database = next(newer.glob("*-database.sql.gz"))
    whole = database.read_bytes()
    database.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert {finding.severity for finding in backups.look("B02").values()} == {"critical"}
    database.write_bytes(whole)
    shutil.rmtree(older)
    found = backups.look("B02")
    assert {item: finding.severity for item, finding in found.items()} == {OLDER: "critical", "": "ok"}


def test_a_set_whose_key_is_kept_elsewhere_is_whole_while_its_bytes_are_those_of_its_manifest(backups: Backups) -> None:
    kinds = ("database-enc.sql.gz", "files-enc.tar", "private-files-enc.tar", "site_config_backup-enc.json")
    locked = b"age-encryption.org/v1\n-> X25519 of somebody else"
    files = {f"{NEWER}-{kind}": (kind.partition("-enc")[0].replace("-", "_"), locked) for kind in kinds}
    folder = write_repository_set(backups.site_folder, NEWER, files=files, encryption="age")
    severity, text = backups.one("B02")
    assert (severity, "its key is not on this host" in text) == ("ok", True), text
    (folder / f"{NEWER}-database-enc.sql.gz").write_bytes(locked[:-1])
    assert backups.one("B02")[0] == "critical"


def test_what_is_too_much_to_read_is_judged_by_its_sizes_or_unknown(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_sets, "READ_AT_ONCE_BYTES", 10)
    backups.make_plain(OLDER, backups.own_folder)
    severity, text = backups.one("B02")
    assert (severity, "too much to read" in text) == ("unknown", True)
    backups.make(NEWER)
    assert backups.one("B02")[0] == "ok"


def test_a_set_far_smaller_than_those_before_is_suspicious(backups: Backups) -> None:
    backups.make_plain(OLDER, backups.own_folder, padding=b"x" * 100_000)
    backups.make_plain(NEWER, backups.own_folder)
    severity, text = backups.one("B02")
    assert (severity, "less than half of the usual" in text) == ("warning", True)


def test_a_drill_or_a_recovery_proves_and_the_last_drill_may_have_failed(backups: Backups) -> None:
    assert backups.one("B03")[0] == "warning"
    append_record(backups.state_path, {**RECORDED, "outcome": "recovered"})
    assert backups.one("B03") == ("ok", "last 1 h ago, by a recovery")
    drill = {**RECORDED, "drill": "d", "ended_at": "2033-05-18T03:03:20Z", "error": None}
    append_drill_record(backups.state_path, {**drill, "outcome": "passed"})
    assert backups.one("B03") == ("ok", "last 30 min ago, by a drill")
    for code, severity in (("drill_too_slow", "warning"), ("drill_failed", "critical")):
        error = {"code": code, "reason": "It failed."}
        append_drill_record(backups.state_path, {**drill, "outcome": "failed", "error": error})
        assert backups.look("B03")["last drill"].severity == severity


def test_a_copy_off_site_has_the_same_contents(backups: Backups, tmp_path: Path) -> None:
    assert backups.one("B04")[0] == "skipped"
    offsite = tmp_path / "offsite"
    backups.make_plain(OLDER, backups.own_folder)
    assert backups.one("B04", offsite_paths=(str(offsite),)) == ("critical", "no set of this site is off-site")
    shutil.copytree(backups.own_folder, offsite)
    assert OLDER in backups.one("B04", offsite_paths=(str(offsite),))[1]
    made = backups.make(NEWER)
    shutil.copytree(made, offsite / made.name)
    assert NEWER in backups.one("B04", offsite_paths=(str(offsite), str(offsite / made.name)))[1]


def test_keys_are_compared_by_their_fingerprints(backups: Backups) -> None:
    assert backups.one("B05")[0] == "skipped"
    keys = {"encryption_key": "one", "backup_encryption_key": "two"}
    backups.fake.configure(**keys)
    kept = tuple(key_fingerprint(key) for key in keys.values())
    assert backups.one("B05", escrowed_key_fingerprints=kept) == ("ok", "2 keys, all escrowed")
    severity, text = backups.one("B05", escrowed_key_fingerprints=kept[:1])
    assert (severity, text) == ("warning", "not escrowed: backup_encryption_key")
