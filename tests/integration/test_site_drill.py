"""The module site_drill and its playbook on the embedded bench: what they prove and find, and that nothing stays."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.drill_records import (
    append_drill_record,
    read_drill_records,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.modules import backup_info

from tests.lab.backups import BackupFiles
from tests.lab.lab import Lab
from tests.modules import run_module
from tests.site_drills import SITE, Drills
from tests.tools.playbook_runs import LOCAL_HOST, Run, run_playbook

SCRATCH_RECOVERY = "ansible_collections.lifeboat.frappe.plugins.module_utils._drill.scratch_recovery"
PLAYBOOK = "lifeboat.frappe.drill"
ANOTHER_KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
OTHER = "beta.localhost"
SECRETS = ("db_password", "encryption_key", "backup_encryption_key")
PROOFS = ["tables", "rows", "site", "secret", "apps", "freshness", "ledger", "files", "budget", "trend"]
PHASES = ["verify", "load", "files", "prove", "cleanup"]


@pytest.fixture(scope="module")
def drilled_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("drills")
    with Lab(folder, services=False) as lab:
        yield lab
    shutil.rmtree(folder)


@pytest.fixture
def drills(drilled_lab: Lab, tmp_path: Path) -> Drills:
    return Drills(drilled_lab, tmp_path)


def outcomes(record: Mapping[str, Any]) -> dict[str, str]:
    return {finding["name"]: finding["outcome"] for finding in record["findings"]}


def sentence(record: Mapping[str, Any], name: str) -> str:
    return next(finding["text"] for finding in record["findings"] if finding["name"] == name)


@pytest.mark.promise(21)
def test_a_drill_proves_the_newest_set_and_leaves_its_record_alone(drills: Drills) -> None:
    backup = drills.back_up(encrypted=True)
    before, traces = drills.recovery.live(), drills.recovery.traces()
    result = drills.run(rto_budget_seconds=3600, textfile_path=str(drills.folder / "drills.prom"))
    assert not result["failed"], result
    record = result["record"]
    assert (record["outcome"], record["set"]["name"], record["kind"]) == ("passed", backup.name, "logical")
    assert [(phase["name"], phase["outcome"]) for phase in record["phases"]] == [(name, "done") for name in PHASES]
    assert all(phase["seconds"] >= 0 and phase["bytes"] > 0 for phase in record["phases"])
    assert outcomes(record) == {**dict.fromkeys(PROOFS, "ok"), "trend": "skipped"}
    assert "1,000 vouchers" in sentence(record, "ledger")
    assert 0 < record["rto_seconds"] <= record["seconds"]
    assert drills.left() == [SITE, f"{SITE}/drill.lock", f"{SITE}/drills.jsonl"]
    assert (drills.recovery.live(), drills.recovery.traces()) == (before, traces)
    assert read_drill_records(drills.state_path, SITE) == [record]
    configuration = drills.lab.site_config(SITE)
    told = json.dumps(result) + (drills.state_path / SITE / "drill.lock").read_text()
    assert not [name for name in SECRETS if configuration[name] in told]
    assert 'lifeboat_drill_ok{site="alpha.localhost"} 1' in (drills.folder / "drills.prom").read_text()


def test_a_real_backup_of_frappe_is_proven(drills: Drills, real_backups: Path) -> None:
    place = drills.lab.site_path("site1.local")
    place.mkdir()
    (place / "site_config.json").write_text('{"db_name": "_of_another_server"}')
    try:
        result = drills.run(site="site1.local", paths=[str(real_backups / "site1_plain")])
    finally:
        shutil.rmtree(place)
    assert not result["failed"], result
    assert {name for name, outcome in outcomes(result["record"]).items() if outcome == "skipped"} == {
        # A site of Frappe alone that was just made.
        *("apps", "ledger", "budget", "trend")
    }
    assert "6,342 rows in 227 tables" in sentence(result["record"], "rows")


def test_check_mode_says_what_would_be_drilled_and_makes_nothing(drills: Drills) -> None:
    backup = drills.back_up()
    result = drills.run(check_mode=True)
    assert (result["changed"], result["record"], result["history"]) == (True, {}, [])
    assert (result["plan"]["set"]["name"], result["plan"]["number"]) == (backup.name, 1)
    assert not drills.state_path.exists()


def test_a_broken_set_fails_and_is_known_as_such(drills: Drills) -> None:
    drills.back_up()
    newest = drills.back_up()
    content = newest.database.read_bytes()
    newest.database.write_bytes(content[: len(content) // 2])
    record = drills.failed()
    assert (record["error"]["code"], record["set"]["name"]) == ("backup_not_found", newest.name)
    assert "broken" in record["error"]["reason"]
    assert record["rto_seconds"] is None
    assert drills.left() == [SITE, f"{SITE}/drill.lock", f"{SITE}/drills.jsonl"]
    shown = run_module(
        backup_info,
        **{name: drills.options[name] for name in ("site", "bench_path", "state_path", "paths", "repository_path")},
    )
    last = {backup["name"]: backup["last_drill"] for backup in shown["sets"]}
    assert last[newest.name]["outcome"] == "failed"
    assert [drill for name, drill in last.items() if name != newest.name] == [None]


def test_whatever_is_wrong_with_the_data_is_found_in_one_drill(drills: Drills) -> None:
    """An unbalanced ledger, secrets that no key opens, a file that changed, documents that are too old."""
    backup = drills.back_up()
    unbalance_the_ledger(backup)
    configuration = json.loads(backup.site_config.read_text())
    backup.site_config.write_text(json.dumps({**configuration, "encryption_key": ANOTHER_KEY}))
    assert backup.public_files
    assert backup.private_files
    flip_a_byte(backup.public_files)
    lost = f"./{SITE}/private/files/payroll 2026-10.xlsx"
    subprocess.run(["tar", "--delete", "-f", backup.private_files, lost], check=True)
    record = drills.failed(freshness_seconds=0.001, rto_budget_seconds=0.001)
    assert record["error"]["code"] == "drill_failed"
    assert {name for name, outcome in outcomes(record).items() if outcome == "failed"} == {
        *("secret", "ledger", "files", "freshness", "budget")
    }
    assert sentence(record, "ledger") == (
        "Debit is not credit in 1 of 1,000 vouchers, which are in 1 of 1 set of books."
    )
    assert sentence(record, "files") == (
        "Of 11 files that the database lists, 1 are not what it knows by size and checksum and 1 are not in the "
        "archives, but on the live site."
    )
    assert set(record["error"]["reason"].split(". ")) >= {
        "Debit is not credit in 1 of 1,000 vouchers, which are in 1 of 1 set of books"
    }


def test_a_drill_that_takes_too_long_fails_though_all_is_proven(drills: Drills) -> None:
    drills.back_up()
    for minute in range(3):
        append_drill_record(drills.state_path, earlier(minute))
    record = drills.failed(rto_budget_seconds=0.01, slowdown_limit=1.5)
    assert record["error"]["code"] == "drill_too_slow"
    assert {name for name, outcome in outcomes(record).items() if outcome != "ok"} == {"budget", "trend"}
    assert record["trend"]["median_seconds"] == 0.002
    assert "more than 1.5 times the median of the last 3 comparable drills" in sentence(record, "trend")


def test_a_key_that_does_not_open_the_set_fails(drills: Drills) -> None:
    drills.back_up(encrypted=True)
    record = drills.failed(encryption_key="wrong")
    assert (record["error"]["code"], record["set"]["encrypted"]) == ("backup_not_found", True)
    assert "is unreadable" in record["error"]["reason"]


def test_a_scratch_place_that_is_not_apart_is_refused_before_anything_is_made(drills: Drills) -> None:
    drills.back_up()
    live = drills.recovery.live()
    for place in (drills.lab.sites_path / SITE, drills.sets_path, drills.lab.folder / "mariadb" / "data"):
        record = drills.failed(scratch_path=str(place))
        assert record["error"]["code"] == "drill_scratch_unsafe"
        assert [phase["name"] for phase in record["phases"]] == ["verify", "cleanup"]
    assert drills.recovery.live() == live


class Impostor:
    """Stands where a drill expects its own server, and is the live one."""

    def __init__(self, login: LoginOptions) -> None:
        self.login = login

    def start(self) -> None:
        """Start nothing."""

    def kill(self) -> None:
        """End nothing."""


def test_a_server_that_turns_out_to_be_the_live_one_is_never_written_to(
    drills: Drills, monkeypatch: pytest.MonkeyPatch
) -> None:
    drills.back_up()
    before = drills.recovery.live(), drills.recovery.traces()
    monkeypatch.setattr(f"{SCRATCH_RECOVERY}.PrivateServer", lambda _folder, _settings: Impostor(drills.lab.login))
    record = drills.failed()
    assert record["error"]["code"] == "drill_scratch_unsafe"
    assert (drills.recovery.live(), drills.recovery.traces()) == before


def test_without_a_set_there_is_nothing_to_drill(drills: Drills) -> None:
    result = drills.run()
    assert (result["failed"], result["error_code"]) == (True, "backup_not_found")
    assert not drills.state_path.exists()


def test_a_metrics_file_that_cannot_be_written_is_said(drills: Drills) -> None:
    drills.back_up()
    result = drills.run(textfile_path=str(drills.folder / "absent" / "drills.prom"))
    assert (result["failed"], result["error_code"]) == (True, "report_unwritable")
    assert read_drill_records(drills.state_path, SITE)[-1]["outcome"] == "passed"


class Operator:
    """Whoever runs the playbook for both sites of the lab."""

    def __init__(self, drills: Drills) -> None:
        self.drills = drills
        self.inventory = drills.folder / "hosts"
        self.inventory.write_text(LOCAL_HOST)
        self.reports = drills.folder / "reports"

    def run(self, *arguments: str, **variables: Any) -> Run:
        """Run the playbook; it may say what it likes, but not complain."""
        common = {
            **self.drills.lab.variables,
            "lifeboat_become": False,
            "lifeboat_state_path": str(self.drills.state_path),
            "lifeboat_repository_path": str(self.drills.folder / "repository"),
            "lifeboat_report_path": str(self.reports),
            "lifeboat_drill_reserve_bytes": 0,
        }
        run = run_playbook(PLAYBOOK, self.inventory, {**common, **variables}, arguments, cwd=self.drills.folder)
        assert not run.complaints, run.output
        return run


def test_the_playbook_drills_every_site_whatever_becomes_of_the_one_before(drills: Drills) -> None:
    operator = Operator(drills)
    broken = drills.lab.backup(SITE)
    broken.database.write_bytes(broken.database.read_bytes()[:2000])
    drills.lab.backup(OTHER)
    try:
        planned = operator.run("--check")
        assert planned.exit_code == 0, planned.output
        assert not drills.state_path.exists()
        run = operator.run()
    finally:
        for path in broken.paths:
            path.unlink()
    assert run.exit_code == 2, run.output
    assert f"FAILED {SITE} ({broken.name})" in run.output
    assert f"passed {OTHER} (" in run.output
    assert f"1 of 2 drills failed: {SITE}." in run.output
    assert [record["outcome"] for site in (SITE, OTHER) for record in read_drill_records(drills.state_path, site)] == [
        *("failed", "passed")
    ]
    reports = {path.name.partition("-drill-")[0]: path for path in operator.reports.iterdir()}
    assert set(reports) == {SITE, OTHER}
    page = (reports[OTHER] / "report.html").read_text()
    assert "<svg" in page
    assert f"{OTHER} was recovered in a drill" in page
    assert f"# The drill of {SITE} failed" in (reports[SITE] / "report.md").read_text()
    assert json.loads((reports[OTHER] / "report.json").read_text()) == read_drill_records(drills.state_path, OTHER)[0]


def earlier(minute: int) -> dict[str, Any]:
    """Return as much of the record of an earlier drill as is looked at."""
    ended_at = f"2026-11-20T03:{minute:02d}:00Z"
    record = {"site": SITE, "drill": f"d{minute}", "kind": "logical", "outcome": "passed", "ended_at": ended_at}
    return {**record, "rto_seconds": 0.002, "phases": []}


def unbalance_the_ledger(backup: BackupFiles) -> None:
    """Change the debit of one voucher in a dump."""
    sql = gzip.decompress(backup.database.read_bytes())
    amount = f"{2 * 7919 / 100:.9f}".encode()
    assert sql.count(amount) == 2
    backup.database.write_bytes(gzip.compress(sql.replace(amount, b"9" + amount, 1), compresslevel=1))


def flip_a_byte(path: Path) -> None:
    """Change one byte in the middle of an archive, which is content of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
