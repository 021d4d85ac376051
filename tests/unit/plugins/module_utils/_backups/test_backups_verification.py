from __future__ import annotations

import json
import os

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import catalogue
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.verification import verify_set
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.backup_sets import (
    FOOTER,
    HEADER,
    KEY,
    RUN,
    SITE,
    SQL,
    archive,
    archive_of,
    dump,
    encrypt,
    member,
    write_repository_set,
    write_set,
)


def verified(folder, depth="structure", **options):
    (found,) = catalogue([folder])
    return verify_set(found, depth, **options)


def test_a_whole_set_is_complete(tmp_path):
    write_set(tmp_path)
    found = verified(tmp_path)
    assert (found.verdict, found.reasons, found.depth) == ("complete", (), "structure")
    assert (found.table_count, found.table_names) == (2, ("__Auth", "tabDefaultValue"))
    assert found.versions == {"frappe": "15.55.1"}
    assert found.archive_site == SITE
    assert found.files == {"files": {"files": 1, "bytes": 6}, "private_files": {"files": 1, "bytes": 7}}
    assert (found.rows, found.database_name) == (None, "_e36ee74f4521c089")
    assert found.sql_bytes == len(HEADER) + len(SQL) + len(FOOTER) + 1


def test_content_counts_the_rows(tmp_path):
    write_set(tmp_path)
    assert verified(tmp_path, "content").rows == {"__Auth": 0, "tabDefaultValue": 2}


@pytest.mark.promise(1)
def test_a_dump_that_was_cut_anywhere_is_broken(tmp_path):
    whole = dump(SQL + "-- " + os.urandom(4000).hex() + "\n")
    cuts = [len(whole) * part // 16 for part in range(1, 16)] + [len(whole) - last for last in range(1, 17)]
    for cut in cuts:
        path = write_set(tmp_path, database=whole[:cut])["database"]
        found = verified(tmp_path)
        assert found.verdict == "broken", cut
        assert "truncated" in found.reasons[0]
        path.unlink()


@pytest.mark.promise(2)
def test_a_dump_that_was_cut_after_a_statement_is_broken(tmp_path):
    ends = [index + 2 for index in range(len(SQL)) if SQL.startswith(";\n", index)]
    assert len(ends) == 3
    for end in ends:
        write_set(tmp_path, database=dump(SQL[:end], footer=""))
        found = verified(tmp_path)
        assert found.verdict == "broken"
        assert "no completion line" in found.reasons[0]


@pytest.mark.promise(17)
def test_a_dump_that_says_it_is_partial_is_partial_whatever_its_name(tmp_path):
    write_set(tmp_path, database=dump(header=HEADER + "-- Partial Backup of Frappe Site site1.local\n"))
    found = verified(tmp_path)
    assert (found.verdict, found.partial) == ("partial", True)


def test_a_dump_of_something_else_is_broken(tmp_path):
    write_set(tmp_path, database=dump("CREATE TABLE `a` (\n  `b` int(11)\n) ENGINE=InnoDB;\n"))
    assert verified(tmp_path).reasons == (
        "It is not a dump of a whole Frappe site: it has no __Auth and no tabDefaultValue.",
    )


def test_a_foreign_statement_makes_a_set_broken(tmp_path):
    write_set(tmp_path, database=dump(SQL + "GRANT ALL ON *.* TO 'x'@'%';\n"))
    found = verified(tmp_path)
    assert found.verdict == "broken"
    assert "GRANT ALL ON" not in str(found.reasons)


def test_a_damaged_archive_makes_a_set_broken_and_says_which(tmp_path):
    write_set(tmp_path, private_files=archive({"a": b"x" * 2000}, "private")[:1500])
    found = verified(tmp_path)
    assert found.verdict == "broken"
    assert f"{RUN}-private-files.tar: it is truncated" in found.reasons[0]


@pytest.mark.promise(19)
def test_a_hostile_archive_makes_a_set_broken(tmp_path):
    write_set(tmp_path, files=archive_of([member(f"./{SITE}/public/files/../../x", b"")]))
    assert verified(tmp_path).verdict == "broken"


def test_archives_of_two_sites_are_broken(tmp_path):
    write_set(tmp_path, files=archive({"a": b"x"}, site="site2.local"))
    assert verified(tmp_path).reasons == (f"Its archives are of two sites, site2.local and {SITE}.",)


def test_a_configuration_that_is_no_json_is_broken(tmp_path):
    write_set(tmp_path, site_config=b"{")
    assert verified(tmp_path).verdict == "broken"


def test_an_artifact_that_vanished_is_unreadable(tmp_path):
    paths = write_set(tmp_path)
    (found,) = catalogue([tmp_path])
    paths["files"].unlink()
    assert verify_set(found, "structure").verdict == "unreadable"


def test_a_disk_that_fails_makes_it_unreadable(tmp_path):
    write_set(tmp_path, files=archive({"a": b"x" * 5000}))
    (found,) = catalogue([tmp_path])

    class FailingDisk(ProgressReporter):
        def update(self, *_arguments, **_options):
            raise OSError(5, "Input/output error")

    judged = verify_set(found, "structure", progress=FailingDisk())
    assert judged.verdict == "unreadable"
    assert judged.reasons[0] == f"{RUN}-database.sql.gz cannot be read: Input/output error."


@pytest.mark.promise(18)
def test_an_encrypted_set_is_complete_with_its_key_and_unreadable_without(tmp_path):
    write_set(tmp_path, key=KEY, site_config=b'{"db_name": "x"}')
    without, names = verified(tmp_path), verified(tmp_path, "names")
    assert (without.verdict, names.verdict) == ("unreadable", "unreadable")
    assert "no key for it is known" in without.reasons[0]
    assert (len(without.reasons), without.depth) == (1, "names")
    wrong = verified(tmp_path, encryption_key="wrong")
    assert (wrong.verdict, len(wrong.reasons)) == ("unreadable", 1)
    assert "not the one that it was encrypted with" in wrong.reasons[0]
    right = verified(tmp_path, encryption_key=KEY)
    assert (right.verdict, right.encryption_key_source) == ("complete", "option")


def test_the_key_is_found_in_the_set_or_at_the_site(tmp_path):
    write_set(tmp_path / "own", key=KEY)
    assert verified(tmp_path / "own").encryption_key_source == "set"
    write_set(tmp_path / "first", key=KEY, site_config=b"{}")
    site = Bench(tmp_path).site("a.b")
    site.path.mkdir(parents=True)
    site.config_path.write_text(json.dumps({"backup_encryption_key": KEY}))
    found = verified(tmp_path / "first", site=site)
    assert (found.verdict, found.encryption_key_source) == ("complete", "site")


def test_a_set_of_which_one_archive_was_not_encrypted_is_read_as_it_is(tmp_path):
    paths = write_set(tmp_path, key=KEY)
    paths["files"].write_bytes(archive({"a": b"stored without encryption"}))
    assert verified(tmp_path).verdict == "complete"


def test_the_recovery_point_of_an_encrypted_dump_is_found_inside(tmp_path):
    path = write_set(tmp_path, key=KEY, database=dump(began_at=1795252508))["database"]
    os.utime(path, (1795252510, 1795252510))
    assert verified(tmp_path, "names").recovery_point == "2026-11-21T09:15:10Z"
    assert verified(tmp_path).recovery_point == "2026-11-21T09:15:08Z"


def test_a_gzip_file_in_a_cipher_of_the_wrong_kind_is_broken(tmp_path):
    write_set(tmp_path, database=encrypt(b"no gzip at all"))
    assert verified(tmp_path, encryption_key=KEY).verdict == "broken"


def test_what_is_known_to_be_wrong_stays_wrong(tmp_path):
    write_set(tmp_path, database=None)
    found = verified(tmp_path)
    assert found.verdict == "broken"
    assert found.reasons[0].startswith("The database dump is missing")


def test_progress_is_told_and_a_caller_that_is_gone_ends_the_look(tmp_path):
    write_set(tmp_path)
    (found,) = catalogue([tmp_path])
    progress = ProgressReporter()
    progress.start("verify")
    verify_set(found, "structure", progress=progress)
    assert progress.progress.done_bytes == found.size_bytes - found.artifact("site_config").size_bytes

    class GoneCaller(ProgressReporter):
        def update(self, *_arguments, **_options):
            raise LifeboatError("gone", "caller_gone")

    with pytest.raises(LifeboatError, match="gone"):
        verify_set(found, "structure", progress=GoneCaller())


@pytest.mark.promise(20)
def test_the_limit_of_members_is_the_callers(tmp_path):
    write_set(tmp_path, files=archive({"a": b"", "b": b""}))
    assert verified(tmp_path, member_limit=2).verdict == "broken"
    assert verified(tmp_path, member_limit=3).verdict == "complete"


def in_repository(tmp_path, **options):
    folder = write_repository_set(tmp_path / SITE, **options)
    return folder, lambda depth="structure", **more: verified(folder.parent, depth, **more)


@pytest.mark.parametrize("kinds", [("logical",), ("physical",), ("logical", "physical")], ids=str)
def test_a_whole_set_with_a_manifest_is_complete(tmp_path, kinds):
    _folder, look = in_repository(tmp_path, kinds=kinds)
    found = look()
    assert (found.verdict, found.reasons, found.depth) == ("complete", (), "structure")
    assert (found.recovery_point, found.recovery_point_source) == ("2026-11-21T14:45:08Z", "manifest")
    assert found.table_count == (2 if "logical" in kinds else None)


@pytest.mark.promise(3)
def test_any_changed_byte_of_a_set_with_a_manifest_breaks_it(tmp_path):
    folder, look = in_repository(tmp_path, kinds=("logical", "physical"))
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "manifest.json"]
    assert len(paths) == 7
    for path in paths:
        whole = path.read_bytes()
        for index in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:index] + bytes([whole[index] ^ 1]) + whole[index + 1 :])
            found = look()
            assert (found.verdict, len(found.reasons)) == ("broken", 1), (path, index)
            assert path.name in found.reasons[0]
        path.write_bytes(whole)
    assert look().verdict == "complete"


def test_a_set_with_a_manifest_that_cannot_be_read_is_broken(tmp_path):
    folder, look = in_repository(tmp_path)
    backup = catalogue([folder.parent])[0]
    next(folder.glob("*-private-files.tar")).unlink()
    assert "cannot be read" in verify_set(backup, "structure").reasons[0]
    assert look().reasons == (f"{RUN}-private-files.tar is missing.",)


def test_the_bytes_of_a_set_with_a_manifest_are_told_once(tmp_path):
    _folder, look = in_repository(tmp_path)
    progress = ProgressReporter()
    assert progress.progress.done_bytes == 0
    found = look(progress=progress)
    assert progress.progress.done_bytes == found.size_bytes
