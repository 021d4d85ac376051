"""Sets with a manifest in a repository."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import catalogue
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.chain import read_chain
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.holds import HOLDS_NAME, Hold, write_holds
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import MANIFEST_NAME, read_manifest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import (
    leftovers,
    read_set,
    record_unrecorded,
    review_site_folder,
    set_of_manifest,
)

from tests.backup_sets import RUN, SITE, write_repository_set, write_set

OLDER = "20261120_144508-site1_local"
AT = "2026-11-21T03:00:00Z"


@pytest.fixture
def site_folder(tmp_path):
    return tmp_path / "sites" / SITE


def one(site_folder):
    (found,) = catalogue([site_folder], SITE)
    return found


@pytest.mark.parametrize(
    ("kinds", "artifacts"), [(("logical",), 4), (("physical",), 0), (("logical", "physical"), 4)], ids=str
)
def test_a_folder_with_a_manifest_is_one_set(site_folder, kinds, artifacts):
    folder = write_repository_set(site_folder, kinds=kinds)
    found = one(site_folder)
    assert (found.name, found.verdict, found.reasons, found.kinds) == (RUN, "complete", (), kinds)
    assert (found.recovery_point, found.recovery_point_source) == ("2026-11-21T14:45:08Z", "manifest")
    assert (found.location, found.held, found.address, len(found.artifacts)) == ("local", False, str(folder), artifacts)
    assert found.size_bytes == sum(
        path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST_NAME
    )
    shown = json.loads(json.dumps(found.as_dict()))
    assert shown["position"] == {"gtid": "0-1-5", "file": "binlog.000001", "offset": 512}
    assert (shown["kinds"], shown["last_drill"], shown["site"]) == (list(kinds), None, SITE)
    assert "manifest" not in shown


def test_a_physical_set_lacks_archives_but_no_dump(site_folder):
    write_repository_set(site_folder, kinds=("physical",))
    assert one(site_folder).missing_kinds == ("files", "private_files", "site_config")


def test_sets_of_other_sites_are_left_out_also_where_their_slugs_are_the_same(tmp_path):
    write_repository_set(tmp_path / "site1.local")
    write_repository_set(tmp_path / "site1_local")
    found = [*catalogue([tmp_path / "site1_local"], "site1_local"), *catalogue([tmp_path / "site1_local"], SITE)]
    assert [backup.archive_site for backup in found] == ["site1_local"]
    assert len(catalogue([tmp_path / "site1_local"])) == 1


@pytest.mark.promise(25)
def test_what_has_no_manifest_is_no_set(site_folder):
    write_repository_set(site_folder, OLDER)
    folder = write_repository_set(site_folder)
    (folder / MANIFEST_NAME).unlink()
    write_repository_set(site_folder, "20261122_144508-site1_local").rename(site_folder / "a.incomplete")
    assert one(site_folder).name == OLDER
    review = review_site_folder(site_folder)
    assert [finding.set for finding in review.findings] == [
        "20261121_144508-site1_local",
        "20261122_144508-site1_local",
    ]
    assert review.leftovers == (site_folder / "a.incomplete",)


def test_a_folder_of_bench_backups_needs_no_manifest(tmp_path):
    write_set(tmp_path / "flat" / "inner")
    assert [backup.name for backup in catalogue([tmp_path / "flat"])] == [RUN]


def _cut(folder):
    path = next(folder.glob("*-files.tar"))
    path.write_bytes(path.read_bytes()[:-1])


def _drop(folder):
    next(folder.glob("*-files.tar")).unlink()


def _link(folder):
    path = next(folder.glob("*-files.tar"))
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(_cut, "the manifest says"), (_drop, "is missing"), (_link, "is no regular file")],
    ids=["cut", "dropped", "linked"],
)
def test_files_that_are_not_there_as_they_should_be_break_a_set(site_folder, fault, reason):
    fault(write_repository_set(site_folder))
    found = one(site_folder)
    assert (found.verdict, len(found.reasons)) == ("broken", 1)
    assert reason in found.reasons[0]


def test_a_manifest_that_names_files_elsewhere_breaks_its_set(site_folder):
    manifest = read_manifest(write_repository_set(site_folder))
    for path in ("/etc/passwd", "../other"):
        outside = replace(manifest, files=(replace(manifest.files[0], path=path),))
        assert "outside of the set" in set_of_manifest(site_folder / RUN, outside).reasons[0]


def test_a_changed_manifest_breaks_its_set(site_folder):
    folder = write_repository_set(site_folder)
    path = folder / MANIFEST_NAME
    path.write_text(path.read_text().replace("0-1-5", "0-1-6"))
    assert "was changed" in one(site_folder).reasons[0]
    assert [finding.finding for finding in review_site_folder(site_folder).findings] == ["changed"]


def test_a_manifest_that_cannot_be_understood_breaks_its_set(site_folder):
    (write_repository_set(site_folder) / MANIFEST_NAME).write_text("{")
    found = one(site_folder)
    assert (found.verdict, found.kinds, found.slug) == ("broken", (), "site1_local")
    assert "cannot be understood" in found.reasons[0]
    assert catalogue([site_folder], "other.local") == []
    assert review_site_folder(site_folder).findings[0].finding == "changed"


def test_a_set_that_is_removed_meanwhile_is_none(site_folder):
    folder = write_repository_set(site_folder)
    chain = read_chain(site_folder)
    (folder / MANIFEST_NAME).unlink()
    assert read_set(folder, chain) is None
    shutil.rmtree(folder)
    assert read_set(folder, chain) is None


def test_what_everybody_may_read_is_told(site_folder):
    folder = write_repository_set(site_folder)
    path = folder / f"{RUN}-site_config_backup.json"
    path.chmod(0o644)
    (sentence,) = [text for text in one(site_folder).insecure_permissions if str(path) in text]
    assert "chmod o-rwx" in sentence


def test_held_sets_say_so_and_all_are_held_where_nobody_can_tell(site_folder):
    write_repository_set(site_folder)
    hold = Hold(held=True, reason="audit", by="root", at=AT)
    write_holds(site_folder, {RUN: hold})
    assert one(site_folder).held
    write_holds(site_folder, {RUN: replace(hold, held=False)})
    assert not one(site_folder).held
    (site_folder / HOLDS_NAME).write_text("{")
    assert one(site_folder).held


def test_a_set_that_a_kill_left_out_of_the_chain_is_recorded_later(site_folder):
    write_repository_set(site_folder, OLDER)
    write_repository_set(site_folder, recorded=False)
    assert review_site_folder(site_folder).findings == ()
    assert record_unrecorded(site_folder, AT) == [RUN]
    assert read_chain(site_folder).newest().name == RUN
    assert record_unrecorded(site_folder, AT) == []


def test_a_site_without_a_folder_has_nothing(tmp_path):
    assert leftovers(tmp_path / "gone") == []
    assert catalogue([tmp_path / "gone"]) == []


def test_a_link_to_a_folder_is_no_set(site_folder, tmp_path):
    folder = write_repository_set(tmp_path / SITE)
    write_repository_set(site_folder, OLDER)
    (site_folder / RUN).symlink_to(folder)
    assert one(site_folder).name == OLDER
