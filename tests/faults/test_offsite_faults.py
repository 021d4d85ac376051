"""Off-site copies: killed, changed where they lie, and locks that the dead leave."""

from __future__ import annotations

import shutil
import signal
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import catalogue
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import review_site_folder
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_fetch import choose_location
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_run import copy_sets, fetch
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.verification import verify_set

from tests.backup_sets import SITE, write_repository_set
from tests.killed_at_changes import kills
from tests.lab.processes import wait_until
from tests.offsite_places import OffsitePlaces
from tests.promotion_stage import FORKED
from tests.restic_double import FolderRepository

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
NAMES = [f"202001{day}_000000-site1_local" for day in (17, 18)]


@pytest.mark.promise(11)
@pytest.mark.promise(25)
def test_a_fetch_that_is_killed_anywhere_leaves_no_set_that_is_not_whole(tmp_path: Path) -> None:
    made = tmp_path / "made" / SITE
    write_repository_set(made, NAMES[0], kinds=("logical", "physical"))
    repository = FolderRepository(tmp_path / "offsite")
    copy_sets(repository, SITE, made, NOW, create=False, check_all=False, dry_run=False)
    site_folder = tmp_path / "sites" / SITE

    def prepare() -> None:
        """The set is here, but it was changed."""
        shutil.rmtree(site_folder, ignore_errors=True)
        shutil.copytree(made, site_folder)
        path = site_folder / NAMES[0] / "tablespaces" / "__Auth.ibd"
        path.write_bytes(path.read_bytes()[::-1])

    def run() -> None:
        fetch(
            repository,
            catalogue([site_folder], SITE),
            SITE,
            site_folder,
            NOW,
            choose=lambda sets: choose_location(sets, None),
            reserve_bytes=0,
            dry_run=False,
        )

    def verdicts() -> list[str]:
        return [verify_set(backup, "structure").verdict for backup in catalogue([site_folder], SITE)]

    killed = 0
    for _number in kills(prepare, run):
        killed += 1
        assert verdicts() in (["broken"], [], ["complete"])
        run()
        assert verdicts() == ["complete"]
        assert review_site_folder(site_folder).findings == ()
    assert killed > 15


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    restic = OffsitePlaces(tmp_path_factory.mktemp("restic"))
    restic.create()
    for name in NAMES:
        write_repository_set(restic.site_folder, name)
    assert restic.done()["changed"]
    return restic


@pytest.fixture
def restic(template, tmp_path):
    return template.copied_to(tmp_path)


@pytest.mark.promise(25)
def test_a_byte_that_changes_off_site_is_found_and_never_fetched(restic):
    pack = max(
        (path for path in (restic.offsite / "data").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
    )
    whole = pack.read_bytes()
    pack.chmod(0o600)
    pack.write_bytes(whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :])
    found = restic.run(check="all")
    assert found["error_code"] == "offsite_changed"
    damaged = found["details"]["set"]
    shutil.rmtree(restic.site_folder / damaged)
    refused = restic.run(state="fetched", recover_to=damaged, reserve_bytes=0)
    assert refused["error_code"] == "backup_not_found"
    assert not (restic.site_folder / damaged).exists()
    # Where it is not known that the copy is damaged, the fetch itself finds out.
    (restic.site_folder / "offsite.json").unlink()
    refused = restic.run(state="fetched", recover_to=damaged, reserve_bytes=0)
    assert refused["error_code"] in ("offsite_damaged", "offsite_changed", "offsite_failed")
    assert not (restic.site_folder / damaged).exists()
    assert not list(restic.site_folder.glob("*.incomplete"))


@pytest.mark.promise(11)
@pytest.mark.promise(25)
def test_a_copy_that_is_killed_is_made_by_the_next_run(restic):
    name = "20200119_000000-site1_local"
    write_repository_set(restic.site_folder, name)
    process = FORKED.Process(target=restic.run)
    process.start()
    wait_until(lambda: bool(restic.locks()) or process.exitcode is not None, "restic to begin")
    process.kill()
    process.join()
    # Killed before or after the snapshot was there: either way one good copy is there in the end.
    restic.done()
    again = restic.done()
    assert (again["changed"], again["copied"], again["checked"]) == (False, [], [])


@pytest.mark.promise(13)
def test_the_lock_of_a_dead_process_is_removed_and_that_of_a_living_one_is_told(restic):
    policy = {"state": "retained", "keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0, "keep_minimum": 1}
    with subprocess.Popen(restic.restic("backup", "--quiet", "--stdin"), stdin=subprocess.PIPE) as holder:
        wait_until(lambda: bool(restic.locks()), "restic to lock its repository", holder)
        locked = restic.run(**policy)
        assert locked["error_code"] == "offsite_locked"
        assert f"PID {holder.pid}" in locked["msg"]
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert restic.locks()
    done = restic.run(**policy)
    assert [entry["name"] for entry in done["removed"]] == NAMES[:1]
    assert done["removed_stale_locks"]
    assert not restic.locks()
    assert not restic.run(**policy)["changed"]
