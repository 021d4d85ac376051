from __future__ import annotations

import json
import os

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import (
    catalogue,
    folder_problems,
    site_folders,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench

from tests.backup_sets import KEY, RUN, archive, archive_of, dump, member, write_set


def one(folder, site=None):
    (found,) = catalogue([folder], site)
    return found


def test_the_artifacts_of_one_run_are_one_set(tmp_path):
    paths = write_set(tmp_path)
    found = one(tmp_path)
    assert [artifact.path for artifact in found.artifacts] == list(paths.values())
    assert (found.name, found.verdict, found.missing_kinds, found.reasons) == (RUN, "complete", (), ())
    assert found.size_bytes == sum(path.stat().st_size for path in paths.values())


def test_sets_are_found_flat_and_one_folder_a_set_and_once(tmp_path):
    write_set(tmp_path)
    write_set(tmp_path / "inner", "20261120_144508-site1_local")
    found = catalogue([tmp_path, tmp_path / "inner", tmp_path / "gone"])
    assert sorted(backup.name for backup in found) == ["20261120_144508-site1_local", RUN]


def test_other_sites_are_left_out(tmp_path):
    for slug in ("site1_local", "site2_local", "stream"):
        write_set(tmp_path, f"20261121_144508-{slug}")
    assert {backup.slug for backup in catalogue([tmp_path], "site1.local")} == {"site1_local", "stream"}
    assert len(catalogue([tmp_path])) == 3


def test_a_set_without_archives_is_complete_and_says_what_it_lacks(tmp_path):
    write_set(tmp_path, files=None, private_files=None)
    found = one(tmp_path)
    assert (found.verdict, found.missing_kinds) == ("complete", ("files", "private_files"))


def test_siblings_whose_dump_was_rotated_away_are_broken(tmp_path):
    write_set(tmp_path, database=None)
    found = one(tmp_path)
    assert found.verdict == "broken"
    assert "The database dump is missing" in found.reasons[0]


def test_an_empty_artifact_is_broken(tmp_path):
    write_set(tmp_path, files=b"")
    assert one(tmp_path).reasons == (f"{RUN}-files.tar is empty.",)
    assert one(tmp_path).verdict == "broken"


@pytest.mark.promise(17)
def test_a_partial_dump_is_partial_by_its_name(tmp_path):
    (tmp_path / f"{RUN}-partial-database.sql.gz").write_bytes(dump())
    found = one(tmp_path)
    assert (found.verdict, found.partial, found.name) == ("partial", True, RUN)


def test_content_says_what_is_encrypted_and_a_name_may_lie(tmp_path):
    paths = write_set(tmp_path / "named", key=KEY)
    plain = write_set(tmp_path / "plain")
    paths["files"].write_bytes(archive({"a": b"stored without encryption"}))
    plain["database"].write_bytes(write_set(tmp_path / "other", key=KEY)["database"].read_bytes())
    named, unnamed = one(tmp_path / "named"), one(tmp_path / "plain")
    assert [artifact.encrypted for artifact in named.artifacts] == [True, False, True, False]
    assert unnamed.artifact("database").encrypted


def test_a_plain_and_an_encrypted_run_of_one_second_are_two_sets(tmp_path):
    write_set(tmp_path)
    write_set(tmp_path, key=KEY)
    assert sorted(found.name for found in catalogue([tmp_path])) == [RUN, f"{RUN}-enc"]


def test_two_artifacts_of_a_kind_are_not_guessed_between(tmp_path):
    write_set(tmp_path)
    (tmp_path / f"{RUN}-files.tgz").write_bytes(archive({}, compressed=True))
    found = one(tmp_path)
    assert found.verdict == "broken"
    assert "cannot be told" in found.reasons[0]


def test_of_an_interrupted_restore_the_renamed_original_is_taken(tmp_path):
    path = write_set(tmp_path, key=KEY)["database"]
    original = path.rename(path.with_name(f"{path.name}.gpg"))
    path.write_bytes(b"half of it")
    found = one(tmp_path)
    assert (found.verdict, found.artifact("database").path) == ("complete", original)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (dump(), "database"),
        (b"-- MariaDB dump 10.19\n", "database"),
        (b"/*M!999999\\- enable the sandbox mode */ \n", "database"),
        (archive({"a": b"x"}), "files"),
        (archive({"a": b"x"}, "private", compressed=True), "private_files"),
        (archive_of([member("etc/passwd", b"x")]), None),
        (b"notes", None),
        (b"\x1f\x8bbroken", None),
        (b"", None),
    ],
)
def test_a_file_with_a_name_of_its_own_is_told_by_its_content(tmp_path, content, kind):
    (tmp_path / "custom").write_bytes(content)
    found = catalogue([tmp_path], "site1.local")
    assert [(backup.name, backup.slug, backup.artifacts[0].kind) for backup in found] == (
        [("custom", "", kind)] if kind else []
    )


def test_what_is_no_file_is_passed_over(tmp_path):
    os.mkfifo(tmp_path / f"{RUN}-files.tar")
    (tmp_path / f"{RUN}-database.sql.gz").symlink_to(tmp_path / "gone")
    assert catalogue([tmp_path]) == []


def test_the_time_in_the_name_is_never_the_recovery_point(tmp_path):
    path = write_set(tmp_path, began_at=1795252508)["database"]
    os.utime(path, (1795252510, 1795252510))
    found = one(tmp_path)
    assert (found.recovery_point, found.recovery_point_source) == ("2026-11-21T09:15:08Z", "gzip_header")


@pytest.mark.promise(22)
def test_what_everybody_may_read_or_write_is_said(tmp_path):
    paths = write_set(tmp_path)
    paths["site_config"].chmod(0o644)
    tmp_path.chmod(0o775)
    assert one(tmp_path).insecure_permissions == (
        f"{paths['site_config']} may be read by everybody on the host (mode 0644); chmod o-rwx it.",
    )
    assert folder_problems([tmp_path]) == [f"{tmp_path} may be written by others (mode 0775); chmod go-w it."]
    tmp_path.chmod(0o755)
    assert folder_problems([tmp_path]) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read what nobody may")
def test_an_artifact_that_may_not_be_read_is_listed(tmp_path, monkeypatch):
    path = write_set(tmp_path)["files"]
    real_open = os.open

    def refuse(name, *arguments, **options):
        if str(name) == str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real_open(name, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    assert one(tmp_path).artifact("files").size_bytes == path.stat().st_size


def test_a_site_may_name_another_folder(tmp_path):
    site = Bench(tmp_path).site("a.b")
    site.path.mkdir(parents=True)
    assert site_folders(site) == (site.backups_path,)
    site.config_path.write_text(json.dumps({"backup_path": "/mnt/backups"}))
    assert [str(folder) for folder in site_folders(site)] == [str(site.backups_path), "/mnt/backups"]


def test_a_set_is_json(tmp_path):
    write_set(tmp_path)
    shown = json.loads(json.dumps(one(tmp_path).as_dict()))
    assert shown["artifacts"][0]["kind"] == "database"
    assert "table_names" not in shown
