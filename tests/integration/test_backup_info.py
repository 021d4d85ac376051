from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.modules import backup_info

from tests.backup_sets import KEY, RUN, write_set
from tests.modules import run_module

PLAIN = "20261121_144508-site1_local"
ENCRYPTED = "20261121_144618-site1_local"


def info(**options):
    result = run_module(backup_info, **options)
    assert not result["failed"], result
    assert not result["changed"]
    return result


def refusal(**options):
    result = run_module(backup_info, **options)
    assert result["failed"]
    return result["error_code"]


@pytest.fixture(scope="module")
def copied_backups(real_backups: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real backups with their times, in a place where artifacts can be taken away."""
    return Path(shutil.copytree(real_backups, tmp_path_factory.mktemp("real") / "backups"))


@pytest.mark.parametrize("verify", ["structure", "content"])
def test_real_backups_have_the_right_verdicts(copied_backups, verify):
    found = {entry["name"]: entry for entry in info(paths=[str(copied_backups)], verify=verify)["sets"]}
    assert {name.rpartition("database.")[2]: entry["verdict"] for name, entry in found.items()} == {
        PLAIN: "complete",
        ENCRYPTED: "complete",
        "20261121_144739-site2_local": "partial",
        "cut_at_table.sql.gz": "broken",
        "truncated.sql.gz": "broken",
    }
    reasons = {name.rpartition("database.")[2]: " ".join(entry["reasons"]) for name, entry in found.items()}
    assert "no completion line" in reasons["cut_at_table.sql.gz"]
    assert "truncated" in reasons["truncated.sql.gz"]
    assert "partial" in reasons["20261121_144739-site2_local"]
    plain, encrypted = found[PLAIN], found[ENCRYPTED]
    assert (plain["table_count"], plain["site"], plain["versions"]) == (227, "site1.local", {"frappe": "15.55.1"})
    assert plain["recovery_point"] == "2026-11-21T09:15:08Z"
    assert encrypted["recovery_point"] == "2026-11-21T09:16:18Z"
    assert (
        plain["files"]
        == encrypted["files"]
        == {
            "files": {"files": 16, "bytes": 1440000},
            "private_files": {"files": 16, "bytes": 3600000},
        }
    )
    if verify == "content":
        assert (plain["rows"]["tabDocField"], len(plain["rows"])) == (3005, 227)


@pytest.mark.promise(18)
def test_a_real_encrypted_set_is_unreadable_without_its_key(copied_backups):
    folder = copied_backups / "site1_encrypted"
    key = json.loads(next(folder.glob("*.json")).read_text())["backup_encryption_key"]
    for path in folder.glob("*.json"):
        path.rename(folder.parent / "elsewhere")
    try:
        for verify in ("names", "structure"):
            (without,) = info(paths=[str(folder)], verify=verify)["sets"]
            assert (without["verdict"], without["encrypted"]) == ("unreadable", True)
            assert "no key for it is known" in without["reasons"][0]
        (wrong,) = info(paths=[str(folder)], verify="structure", encryption_key="wrong")["sets"]
        assert wrong["verdict"] == "unreadable"
        assert "not the one that it was encrypted with" in wrong["reasons"][0]
        (right,) = info(paths=[str(folder)], verify="structure", encryption_key=key)["sets"]
        assert (right["verdict"], right["missing_kinds"]) == ("complete", ["site_config"])
        assert key not in json.dumps([without, wrong, right])
    finally:
        (folder.parent / "elsewhere").rename(folder / f"{ENCRYPTED}-site_config_backup-enc.json")


def test_the_choice_is_shown(copied_backups):
    result = info(paths=[str(copied_backups)], site="site1.local", verify="structure")
    assert result["chosen"]["name"] == ENCRYPTED
    assert {entry["verdict"] for entry in result["passed_over"]} == {"broken"}
    earlier = info(paths=[str(copied_backups)], verify="structure", recover_to="2026-11-21T14:46:00+05:30")
    assert earlier["chosen"]["name"] == PLAIN


def test_a_sites_own_backups_are_listed(tmp_path):
    site_path = tmp_path / "bench/sites/site1.local"
    write_set(site_path / "private/backups")
    write_set(site_path / "elsewhere", "20261122_144508-site1_local", key=KEY, site_config=b"{}")
    (tmp_path / "bench/sites/common_site_config.json").write_text("{}")
    (site_path / "site_config.json").write_text(json.dumps({"backup_path": "elsewhere", "backup_encryption_key": KEY}))
    result = info(site="site1.local", bench_path=str(tmp_path / "bench"), verify="structure")
    assert [entry["name"] for entry in result["sets"]] == ["20261122_144508-site1_local", RUN]
    assert result["sets"][0]["encryption_key_source"] == "site"
    assert KEY not in json.dumps(result)


@pytest.mark.promise(22)
def test_world_readable_artifacts_are_said(tmp_path):
    write_set(tmp_path)["site_config"].chmod(0o644)
    tmp_path.chmod(0o777)
    result = info(paths=[str(tmp_path)])
    assert "mode 0644" in result["sets"][0]["insecure_permissions"][0]
    assert "mode 0777" in result["insecure_permissions"][0]


def test_paths_of_another_host_need_no_bench(tmp_path):
    write_set(tmp_path / "offsite")
    assert info(site="site1.local", paths=[str(tmp_path / "offsite")])["chosen"]["name"] == RUN


def test_what_cannot_be_found_is_said(tmp_path):
    write_set(tmp_path)
    assert refusal(site="a.b", bench_path=str(tmp_path)) == "bench_not_found"
    assert refusal(paths=[str(tmp_path)], recover_to="2020-01-01T00:00:00Z") == "backup_not_found"
    assert refusal(paths=[str(tmp_path)], recover_to="2026-11-21T12:00:00") == "recover_to_invalid"


def test_a_bench_must_be_there_to_list_a_sites_own(monkeypatch):
    def find_none(*_arguments):
        raise LifeboatError("no bench", "bench_not_found")

    monkeypatch.setattr(backup_info, "find_bench", find_none)
    assert refusal(site="a.b") == "bench_not_found"


def test_ten_thousand_files_are_one_answer(tmp_path):
    suffixes = ("database.sql.gz", "files.tar", "private-files.tar", "site_config_backup.json")
    for number in range(2500):
        for suffix in suffixes:
            (tmp_path / f"202611{1 + number % 28:02}_{number:06}-site1_local-{suffix}").write_bytes(b"\x1f\x8b")
    assert len(info(paths=[str(tmp_path)])["sets"]) == 2500
