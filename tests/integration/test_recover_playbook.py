"""The playbook lifeboat.frappe.recover, run as a person runs it, on the embedded bench."""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.modules import backup_offsite, binlog_archive

from tests.lab import Lab
from tests.lab.processes import wait_until
from tests.modules import run_module
from tests.site_backups import SiteBackups
from tests.tools.checkout import COLLECTIONS_PATH, ROOT, tool_environment
from tests.tools.playbook_runs import LOCAL_HOST, Run, run_ansible, run_playbook

SITE, NEIGHBOUR = "alpha.localhost", "beta.localhost"
PLAYBOOK = "lifeboat.frappe.recover"
FRAPPE_DATABASES = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '\\_%' ORDER BY 1"


class Operator:
    """The person on call, in front of one bench."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.inventory = folder / "hosts"
        self.inventory.write_text(LOCAL_HOST)
        self.variables = {**lab.variables, "lifeboat_become": False}

    def run(self, *arguments: str, **variables: Any) -> Run:
        return run_playbook(PLAYBOOK, self.inventory, {**self.variables, **variables}, arguments)

    def recover(self, *arguments: str, **variables: Any) -> Run:
        run = self.run(*arguments, site=SITE, **variables)
        assert run.exit_code == 0, run.output
        assert not run.complaints, run.output
        return run

    def databases(self) -> list[str]:
        connection = connect(self.lab.login)
        names = [str(row[0]) for row in fetch_all(connection, FRAPPE_DATABASES)]
        connection.close()
        return names

    def count(self, table: str) -> int:
        connection = self.lab.connect(SITE)
        rows = fetch_all(connection, f"SELECT COUNT(*) FROM `{table}`")
        connection.close()
        return int(rows[0][0])

    def damage(self) -> None:
        """Lose seven rows and a table, unless the live database is one that lost them already."""
        connection = self.lab.connect(SITE)
        if fetch_all(connection, "SHOW TABLES LIKE 'tabSales Invoice Item'"):
            execute(connection, "DELETE FROM tabNote LIMIT 7")
            execute(connection, "DROP TABLE `tabSales Invoice Item`")
            connection.commit()
        connection.close()

    def reports(self) -> list[Path]:
        return sorted(self.lab.report_path.glob(f"{SITE}-*"))

    def newest_record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.reports()[-1] / "report.json").read_text())
        jsonschema.validate(record, json.loads((ROOT / "docs" / "recovery-record.schema.json").read_text()))
        return record

    def keeps_what_was_replaced(self) -> bool:
        """Whether the newest recovery stands, neither rolled back nor retired."""
        record = self.newest_record()
        if record["outcome"] != "recovered":
            return False
        replaced = record["kept"]["database"]
        return replaced in self.databases() and self.lab.site_config(SITE)["db_name"] != replaced

    def snapshot(self) -> dict[str, Any]:
        """Everything that a run which changes nothing must leave as it is."""
        sites = self.lab.sites_path
        return {
            "databases": self.databases(),
            "configurations": [(sites / site / "site_config.json").read_bytes() for site in self.lab.sites],
            "site": sorted(str(path) for path in (sites / SITE).rglob("*") if "logs" not in path.parts),
            "state": sorted(str(path) for path in self.lab.state_path.rglob("*")),
            "reports": self.reports(),
        }


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        for site in lab.sites:
            lab.backup(site)
        yield Operator(lab, tmp_path_factory.mktemp("inventory"))


@pytest.fixture
def recovered(operator: Operator) -> dict[str, Any]:
    """The record of a recovery whose result is live, and which keeps what it replaced: the newest one if it is so."""
    if not operator.reports() or not operator.keeps_what_was_replaced():
        operator.recover(again=True)
    return operator.newest_record()


def test_without_a_site_it_says_which_there_are(operator: Operator) -> None:
    run = operator.run()
    assert run.exit_code != 0
    assert f"has: {SITE}, {NEIGHBOUR}." in run.output


def test_an_unknown_procedure_is_refused_with_the_known_ones(operator: Operator) -> None:
    run = operator.run(site=SITE, procedure="prayer")
    assert run.exit_code != 0
    assert "Known: data_loss, database_corruption, server_failure, standard." in run.output


def test_check_mode_shows_the_plan_and_changes_nothing(operator: Operator) -> None:
    before = operator.snapshot()
    run = operator.recover("--check", "--diff", again=True)
    for line in ("Replaces:    database", "By the set:", "Data of:", "Lost:", "Takes:", "Disk:", "Keeps:"):
        assert line in run.output
    assert operator.snapshot() == before


def test_recovers_and_leaves_the_neighbour_alone(operator: Operator) -> None:
    wanted = {table: operator.count(table) for table in ("tabNote", "tabSales Invoice Item")}
    neighbour = operator.lab.site_config(NEIGHBOUR)
    replaced = operator.lab.site_config(SITE)["db_name"]
    operator.damage()
    operator.recover(again=True)
    assert {table: operator.count(table) for table in wanted} == wanted
    assert operator.lab.site_config(NEIGHBOUR) == neighbour
    record = operator.newest_record()
    assert (record["outcome"], record["kept"]["database"]) == ("recovered", replaced)
    assert [check["outcome"] for check in record["verification"]] == ["passed"] * 4
    assert {check["host"] for check in record["verification"]} == {"localhost"}


def test_the_report_is_on_the_controller_and_on_the_host(operator: Operator, recovered: dict[str, Any]) -> None:
    names = {"report.html", "report.md", "report.json"}
    assert {path.name for path in operator.reports()[-1].iterdir()} == names
    beside_journal = operator.lab.state_path / SITE / recovered["recovery"]
    assert names | {"journal.jsonl", "record.json"} <= {path.name for path in beside_journal.iterdir()}
    html = (operator.reports()[-1] / "report.html").read_text()
    assert f"{SITE} was recovered" in html
    assert "-e state=rolled_back" in html
    assert "http" not in html.replace("http-equiv", "")


@pytest.mark.usefixtures("recovered")
def test_a_second_run_changes_nothing(operator: Operator) -> None:
    before = operator.snapshot()
    run = operator.recover()
    assert "There is nothing to do." in run.output
    assert run.changed_tasks() == 0
    assert operator.snapshot() == before


@pytest.mark.usefixtures("recovered")
def test_expires_nothing_before_its_time(operator: Operator) -> None:
    before = operator.databases()
    assert operator.recover(state="expired").changed_tasks() == 0
    assert operator.databases() == before


def test_rolls_back_and_says_so_once(operator: Operator, recovered: dict[str, Any]) -> None:
    replaced = recovered["kept"]["database"]
    assert operator.lab.site_config(SITE)["db_name"] != replaced
    check = operator.recover("--check", state="rolled_back")
    assert f"would live from {replaced} again" in check.output
    run = run_ansible(shlex.split(recovered["rollback_command"]))
    assert run.exit_code == 0, run.output
    assert operator.lab.site_config(SITE)["db_name"] == replaced
    assert f"lives from {replaced} again" in run.output
    assert operator.recover(state="rolled_back").changed_tasks() == 0


def test_data_loss_measures_what_was_lost(operator: Operator) -> None:
    operator.damage()  # which the database that was just rolled back to has behind it
    run = operator.recover(again=True, procedure="data_loss")
    assert "Note: 7 rows fewer" in run.output
    assert "Sales Invoice Item: the table is missing" in run.output
    record = operator.newest_record()
    assert record["procedure"] == "data_loss"
    lost = {row["doctype"]: row["missing_rows"] for row in record["assessment"]["lost"]}
    assert lost["Note"] == 7
    assert "Rows that the live site lacked" in (operator.reports()[-1] / "report.md").read_text()


def test_retires_what_was_kept(operator: Operator, recovered: dict[str, Any]) -> None:
    replaced = recovered["kept"]["database"]
    assert replaced in operator.databases()
    operator.recover(state="retired")
    assert replaced not in operator.databases()
    assert operator.recover(state="retired").changed_tasks() == 0


def test_server_failure_says_what_it_needs(operator: Operator) -> None:
    before = operator.snapshot()
    run = operator.run(site=SITE, procedure="server_failure")
    assert run.exit_code != 0
    assert "Needs: a second database server that replicates from the first one" in run.output
    assert "works from a standby, and none is set up. Nothing was changed." in run.output
    assert operator.snapshot() == before


def test_a_site_that_does_not_work_afterwards_is_rolled_back(operator: Operator) -> None:
    replaced = operator.lab.site_config(SITE)["db_name"]
    nobody_listens = {"lifeboat_recovery_url": "http://127.0.0.1:9", "lifeboat_recovery_web_timeout_seconds": 0}
    run = operator.run(site=SITE, again=True, **nobody_listens)
    assert run.exit_code != 0
    assert "The previous site was put back, but is not well: see the report." in run.output
    assert not run.complaints
    assert operator.lab.site_config(SITE)["db_name"] == replaced
    record = operator.newest_record()
    assert (record["outcome"], record["error"]["code"]) == ("rolled_back", "site_unhealthy")
    assert "failed" in {check["outcome"] for check in record["verification"]}
    assert "was rolled back" in (operator.reports()[-1] / "report.html").read_text()


def test_a_refused_recovery_leaves_no_trace(operator: Operator) -> None:
    before = operator.snapshot()
    run = operator.run(site=SITE, again=True, lifeboat_recovery_reserve_bytes=2**60)
    assert run.exit_code != 0
    assert "disk_space" in run.output
    assert "The live site was not touched." in run.output
    after = operator.snapshot()
    assert {name: after[name] for name in ("databases", "configurations", "site", "reports")} == {
        name: before[name] for name in ("databases", "configurations", "site", "reports")
    }


def test_a_failed_staging_is_abandoned(operator: Operator) -> None:
    before = operator.snapshot()
    missing = {"lifeboat_recovery_connections": 100_000}
    run = operator.run(site=SITE, again=True, **missing)
    assert run.exit_code != 0
    after = operator.snapshot()
    assert (after["databases"], after["configurations"]) == (before["databases"], before["configurations"])
    assert operator.newest_record()["outcome"] == "failed"


def test_a_plan_that_nobody_confirms_is_abandoned(operator: Operator) -> None:
    before = operator.databases()
    run = operator.run(site=SITE, again=True, confirm=True)
    assert run.exit_code != 0
    assert "The plan was not confirmed" in run.output
    assert operator.databases() == before
    assert operator.newest_record()["outcome"] == "failed"


def answer(process: subprocess.Popen[str]) -> None:
    """Type the site's name until it is read: what is typed before the question waits for it is thrown away."""
    assert process.stdin is not None
    while process.poll() is None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(f"{SITE}\r")
            process.stdin.flush()
        time.sleep(1)


def test_a_confirmed_plan_looks_at_every_table_for_corruption_and_is_carried_out(operator: Operator) -> None:
    replaced = operator.lab.site_config(SITE)["db_name"]
    wanted = {"site": SITE, "again": True, "confirm": True, "procedure": "database_corruption"}
    variables = json.dumps({**operator.variables, **wanted})
    command = ["ansible-playbook", PLAYBOOK, "--inventory", str(operator.inventory), "--extra-vars", variables]
    with subprocess.Popen(
        ["script", "--quiet", "--return", "--command", shlex.join(command), "/dev/null"],  # gives it a terminal
        cwd=ROOT,
        env={**tool_environment(), "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS_PATH)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = ""
        while character := process.stdout.read(1):
            output += character
            if output.endswith(f"Type {SITE} to go on"):
                threading.Thread(target=answer, args=(process,)).start()
    assert process.returncode == 0, output
    assert operator.lab.site_config(SITE)["db_name"] != replaced
    assessment = operator.newest_record()["assessment"]
    assert assessment["scope"] == "corruption"
    assert assessment["outcomes"] == {"ok": assessment["tables"]}
    assert assessment["error_log"]["readable"]


@pytest.fixture
def own_procedure(tmp_path: Path) -> dict[str, Any]:
    """A procedure that stops after the plan."""
    (tmp_path / "tasks").mkdir()
    tasks = [
        {"name": "Silence", "ansible.builtin.debug": {"msg": "alerts are silent"}},
        {"name": "Stop", "ansible.builtin.fail": {"msg": "enough"}},
    ]
    (tmp_path / "tasks" / "silence.yml").write_text(json.dumps(tasks))
    step = {"name": "Silence", "tasks": "silence", "who": "automation", "expected_seconds": 1}
    (tmp_path / "own.yml").write_text(json.dumps({"title": "Own", "severity": "low", "steps": [step]}))
    return {"procedure": "own", "lifeboat_recovery_procedure_paths": [str(tmp_path)]}


def test_a_set_that_is_gone_is_fetched_from_off_site_and_a_procedure_of_ones_own_is_followed(
    operator: Operator, own_procedure: dict[str, Any], tmp_path: Path
) -> None:
    backups = SiteBackups(operator.lab, NEIGHBOUR, tmp_path)
    own = [path.stat().st_mtime for path in (operator.lab.site_path(NEIGHBOUR) / "private" / "backups").iterdir()]
    # Moments of sets are whole seconds, and this set is the newest.
    wait_until(lambda: time.time() >= int(max(own)) + 1, "the next second")
    made = backups.back_up()["set"]["name"]
    offsite = {"offsite_repository": str(tmp_path / "offsite"), "offsite_password": "a password of the repository"}
    repository = {"repository_path": str(backups.repository.path)}
    login = {name: value for name, value in vars(operator.lab.login).items() if name in ("login_host", "login_port")}
    user = {"login_user": operator.lab.login.login_user, "login_password": operator.lab.login.login_password}
    archived = run_module(binlog_archive, **login, **user, **repository, flush=True)
    assert archived["archived"], archived
    copied = run_module(backup_offsite, site=NEIGHBOUR, **repository, create=True, **offsite)
    assert copied["logs_copied"], copied
    shutil.rmtree(backups.repository.path)
    variables = {
        "site": NEIGHBOUR,
        "lifeboat_repository_path": str(backups.repository.path),
        **{f"lifeboat_{name}": value for name, value in offsite.items()},
    }
    planned = operator.run("--check", **variables, recover_to="latest")
    assert planned.exit_code == 0, planned.output
    assert f"Would fetch {made} of " in planned.output
    assert f" and {copied['logs_copied'][0]}" in planned.output
    assert not backups.repository.path.exists()
    run = operator.run(**variables, **own_procedure)
    assert f"Fetched {made}" in run.output
    assert "alerts are silent" in run.output
    assert f"{NEIGHBOUR} was not recovered. enough The live site was not touched." in run.output
    assert offsite["offsite_password"] not in planned.output + run.output
    # A place off-site that does not answer keeps no site down whose sets are here.
    away = operator.run("--check", **{**variables, "lifeboat_offsite_repository": str(tmp_path / "away")})
    assert away.exit_code == 0, away.output
    assert "Nothing was fetched from off-site" in away.output
    assert made in away.output
    assert not [*planned.complaints, *run.complaints, *away.complaints]
