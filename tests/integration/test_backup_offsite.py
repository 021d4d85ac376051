"""The module backup_offsite with restic itself: sets are copied, listed, held, fetched, let go."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archive import archive_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_index import write_entry
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import read_manifest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.modules import backup_hold

from tests.backup_sets import write_repository_set
from tests.binlog_files import archived_binlog
from tests.cheap_restic_key import cheap_key
from tests.offsite_places import PASSWORD, OffsitePlaces
from tests.s3_server import s3_server

NAMES = [f"202001{day}_000000-site1_local" for day in (17, 18, 19)]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Sets that are off-site already."""
    places = OffsitePlaces(tmp_path_factory.mktemp("offsite"))
    assert places.run()["error_code"] == "offsite_missing"
    planned = places.done(create=True, check_mode=True)
    assert not places.offsite.exists()
    assert places.create() == planned
    assert planned["created"]
    for name in NAMES:
        write_repository_set(places.site_folder, name, kinds=("logical", "physical"))
    assert [entry["name"] for entry in places.done()["copied"]] == NAMES
    return places


@pytest.fixture
def places(template, tmp_path):
    return template.copied_to(tmp_path)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_there_is_not_copied_again(places):
    again = places.done()
    assert (again["changed"], again["copied"], again["checked"]) == (False, [], [])


def test_a_set_that_is_gone_here_is_listed_and_fetched_as_it_was(places):
    before = contents(places.site_folder / NAMES[2])
    shutil.rmtree(places.site_folder)
    listed = places.catalogue()
    assert list(listed) == NAMES[::-1]
    assert {(entry["location"], entry["verdict"]) for entry in listed.values()} == {("offsite", "complete")}
    newest = listed[NAMES[2]]
    assert newest["position"] == {"gtid": "0-1-5", "file": "binlog.000001", "offset": 512}
    assert (newest["kinds"], newest["missing_kinds"]) == (["logical", "physical"], [])
    planned = places.done(state="fetched", check_mode=True, reserve_bytes=0)
    assert not places.site_folder.exists()
    done = places.done(state="fetched", reserve_bytes=0)
    assert done["fetch_seconds"] > 0
    assert {**done, "fetch_seconds": 0} == {**planned, "fetch_seconds": 0}
    assert (done["fetched"][0]["name"], done["fetched"][0]["size_bytes"]) == (NAMES[2], newest["size_bytes"])
    assert contents(places.site_folder / NAMES[2]) == before
    assert not places.done(state="fetched")["changed"]


def test_the_binary_logs_behind_a_set_are_copied_and_fetched_for_a_point_in_time(places):
    server = read_manifest(places.site_folder / NAMES[0]).server
    archive = archive_of(Repository(places.local), server.hostname, server.port)
    archive.folder.mkdir(parents=True)
    for number in (1, 2, 3):
        stored = f"of the log {number}".encode()
        entry = archived_binlog(number, f"0-1-{number}", f"0-1-{number + 1}")
        entry = replace(entry, stored_bytes=len(stored), stored_sha256=hashlib.sha256(stored).hexdigest())
        (archive.folder / entry.stored_name).write_bytes(stored)
        write_entry(archive.folder, entry)
    names = [entry.name for entry in archive.entries()]
    assert places.done(check_mode=True)["logs_copied"] == places.done()["logs_copied"] == names
    assert not places.done()["changed"]
    before = contents(archive.folder)
    shutil.rmtree(places.local)
    assert places.done(state="fetched", reserve_bytes=0)["logs_fetched"] == []
    wanted = {"state": "fetched", "recover_to": "latest", "reserve_bytes": 0}
    planned = places.done(**wanted, check_mode=True)
    done = places.done(**wanted)
    assert planned["logs_fetched"] == done["logs_fetched"] == names
    assert {path: content for path, content in contents(archive.folder).items() if path.suffix != ".lock"} == before


@pytest.mark.promise(25)
def test_a_set_that_was_changed_here_is_fetched_anew(places):
    path = places.site_folder / NAMES[1] / f"{NAMES[1]}-database.sql.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    done = places.done(state="fetched", recover_to=NAMES[1], reserve_bytes=0)
    assert [entry["name"] for entry in done["fetched"]] == [NAMES[1]]
    assert path.read_bytes() == whole
    assert not list(places.site_folder.glob("*.incomplete"))


def test_a_copy_is_held_and_released_with_its_set(places):
    places.done(backup_hold, name=NAMES[0])
    assert places.done()["held"] == NAMES[:1]
    shutil.rmtree(places.site_folder / NAMES[0])
    shutil.rmtree(places.site_folder / NAMES[1])
    assert places.catalogue()[NAMES[0]]["held"]
    policy = {"keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0, "keep_minimum": 1}
    retained = places.done(state="retained", prune=True, **policy)
    assert [entry["name"] for entry in retained["removed"]] == [NAMES[1]]
    again = places.done(state="retained", **policy)
    assert (again["changed"], [entry["name"] for entry in again["kept"]]) == (False, [NAMES[2], NAMES[0]])
    places.done(backup_hold, name=NAMES[0], state="released")
    assert places.done()["released"] == NAMES[:1]


def test_the_wrong_password_and_a_password_in_the_address_are_refused(places):
    wrong = places.run(offsite_password="another one")
    assert wrong["error_code"] == "offsite_password_wrong"
    shown = places.run(offsite_repository="rest:https://user:secret@host/")
    assert shown["error_code"] == "offsite_refused"
    assert "secret" not in shown["msg"]


@pytest.mark.promise(21)
def test_a_service_of_s3_gets_its_keys_without_showing_them(tmp_path):
    with s3_server() as service:
        places = OffsitePlaces(tmp_path, service.address)
        keys = {"s3_access_key_id": "the-key-id", "s3_secret_access_key": "the-secret", "s3_region": "eu-west-1"}
        assert places.done(create=True, **keys)["created"]
        (path,) = [path for path in service.objects if path.startswith("keys/")]
        name, content = cheap_key(service.objects.pop(path), PASSWORD)
        service.objects[f"keys/{name}"] = content
        write_repository_set(places.site_folder, NAMES[0])
        done = places.done(**keys)
        assert [entry["name"] for entry in done["copied"]] == NAMES[:1]
        shutil.rmtree(places.site_folder)
        fetched = places.done(state="fetched", reserve_bytes=0, **keys)
        assert [entry["name"] for entry in fetched["fetched"]] == NAMES[:1]
        assert service.key_ids == {"the-key-id"}
