"""What the host is like after its upkeep: what nobody needs is gone, once, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from testinfra.host import Host

BENCH_HOSTS = testinfra_hosts = ["ssh://lifeboat-upkeep"]

BENCH = "/home/frappe/frappe-bench"
LOGS = f"{BENCH}/logs"
SITES = ("alpha.localhost", "beta.localhost")
SITE = SITES[0]
TASK_RULES = {"log_tables", "sessions", "failed_jobs", "stale_jobs"}
TASK_RULES |= {
    "journal",
    "apt_cache",
    "temporary_files",
    "tool_caches",
    "backup_sets",
    "archived_sites",
    "container_images",
}
ORPHAN = f"{BENCH}/sites/{SITE}/private/files/of-no-document.log.1"
SYSCTL_PATH = "/etc/sysctl.d/90-lifeboat.conf"
WORKERS = ("short", "long")
STATE = "/var/lib/lifeboat"
QUEUE = "home-frappe-frappe-bench"


@pytest.fixture(scope="module")
def named(host: Host) -> dict[str, Any]:
    """The files that were left to be cleaned up, those that must stay, and the configuration of the site."""
    return json.loads(host.file("/root/upkeep.json").content_string)


@pytest.fixture(scope="module")
def records(host: Host) -> list[dict[str, Any]]:
    """What was done on the host."""
    return [json.loads(line) for line in host.check_output(f"cat {STATE}/records.jsonl").splitlines()]


@pytest.mark.parametrize(("kind", "is_there"), [("old", False), ("kept", True)])
def test_old_files_of_every_class_are_gone_and_others_are_there(
    host: Host, named: dict[str, Any], kind: str, is_there: bool
) -> None:
    found = host.check_output(f"for path in {' '.join(named[kind])}; do test -e $path && echo $path; done; true")
    assert found.split() == (named[kind] if is_there else [])


def test_old_rows_are_gone_and_others_are_there(host: Host) -> None:
    configuration = json.loads(host.file(f"{BENCH}/sites/{SITE}/site_config.json").content_string)
    database = configuration["db_name"]
    statement = (
        "SELECT COUNT(*), SUM(creation < NOW() - INTERVAL 30 DAY) FROM `tabError Log`;"
        "SELECT GROUP_CONCAT(sid) FROM tabSessions WHERE user IN ('old', 'new')"
    )
    rows, sessions = host.check_output("mariadb -N %s -e %s", database, statement).splitlines()
    count, old = map(int, rows.split())
    assert (count > 0, old, sessions) == (True, 0, "new")


def test_old_jobs_are_gone_and_others_are_there(host: Host) -> None:
    keys = host.check_output("redis-cli -p 11000 --scan --pattern 'rq:job:*localhost::*'").split()
    assert f"rq:job:{SITE}::old-1" in keys, "the newest of its error"
    assert f"rq:job:{SITE}::old-0" not in keys
    assert [key for key in keys if "gone" in key] == ["rq:job:gone.localhost::today"]
    failed = host.check_output(f"redis-cli -p 11000 zcard rq:failed:{QUEUE}:short")
    assert int(failed) > 0


def test_keys_of_one_site_are_gone_and_others_are_there(host: Host) -> None:
    keys = host.check_output("redis-cli -p 13000 --scan --pattern '*|upkeep'").split()
    sessions = host.check_output("redis-cli -p 13000 --scan --pattern '*|session'").split()
    configuration = json.loads(host.file(f"{BENCH}/sites/{SITE}/site_config.json").content_string)
    assert keys == [f"{configuration['db_name']}|upkeep"]
    assert len(sessions) == len(SITES)


def test_programs_go_on_working(host: Host) -> None:
    status = host.check_output("supervisorctl status")
    assert all("RUNNING" in line for line in status.splitlines())
    for site in SITES:
        answer = host.check_output(f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Host: {site}' http://127.0.0.1/login")
        assert answer == "200"


def test_logs_rotate_into_new_files_and_no_log_rotates_twice(host: Host) -> None:
    host.check_output(f"echo a line >> {LOGS}/web.log; echo a line >> {LOGS}/frappe.log")
    before = host.check_output(f"stat -c %i {LOGS}/web.log")
    for _turn in range(2):
        # The names of rotated files tell seconds apart.
        host.check_output('now=$(date +%s); while [ "$(date +%s)" = "$now" ]; do sleep 0.1; done')
        host.run_expect([0], "logrotate --force /etc/logrotate.conf")
        host.check_output(f"echo a line >> {LOGS}/web.log")
    rotated = host.check_output(f"ls {LOGS}").split()
    assert [name for name in rotated if name.startswith("web.log-")], rotated
    assert any(name.startswith("web.log-") and name.endswith(".gz") for name in rotated), rotated
    assert not [name for name in rotated if name.startswith("frappe.log-")], rotated
    assert host.check_output(f"stat -c %i {LOGS}/web.log") != before
    assert host.file(f"{LOGS}/web.log").user == "frappe"
    opened = host.check_output("readlink /proc/$(supervisorctl pid)/fd/*")
    assert f"{LOGS}/web.log\n" in opened
    assert "(deleted)" not in opened


def test_rules_of_the_system_are_still_understood(host: Host) -> None:
    assert host.run("logrotate --debug /etc/logrotate.conf").rc == 0
    assert "lifeboat" in host.check_output("systemd-tmpfiles --cat-config")
    assert host.check_output("systemctl is-failed systemd-tmpfiles-clean.service; true") != "failed"
    assert host.check_output("systemctl --failed --plain --no-legend") == ""


def test_what_was_cleaned_up_is_recorded_once(records: list[dict[str, Any]]) -> None:
    cleaned, cleared = [record for record in records if (record["module"], record["action"]) == ("cleanup", "clean")]
    assert [(task["rule"], task["outcome"]) for task in cleared["tasks"]] == [("site_cache", "done")]
    outcomes = {task["rule"]: task["outcome"] for task in cleaned["tasks"] if task["count"]}
    assert outcomes == {**dict.fromkeys(TASK_RULES, "done"), "orphaned_files": "quarantined"}
    assert cleaned["outcomes"] == {"removed": 3}


def test_database_of_a_dropped_site_is_gone_with_its_account(host: Host) -> None:
    names = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA UNION SELECT User FROM mysql.user"
    assert "_dropped" not in host.check_output("mariadb -N -e %s", names).split()


def test_old_image_without_a_name_is_gone_and_others_are_there(host: Host, named: dict[str, Any]) -> None:
    images = host.check_output("podman image ls --no-trunc --quiet").split()
    assert sorted(images) == sorted(f"sha256:{image}" for image in named["images"]["kept"])


def test_file_without_a_document_was_in_quarantine_and_was_put_back(host: Host, records: list[dict[str, Any]]) -> None:
    (undone,) = [record for record in records if (record["module"], record["action"]) == ("cleanup", "undo")]
    assert undone["outcomes"] == {"restored": 1}
    assert host.file(ORPHAN).size == 9000
    assert host.file(ORPHAN).user == "frappe"
    assert host.check_output(f"ls {STATE}/cleanup") == ""


def test_journald_knows_its_limit(host: Host) -> None:
    said = host.check_output("journalctl --unit=systemd-journald --output=cat")
    assert re.search(r"^System Journal .* max 256\.0M", said, re.MULTILINE)


def test_kernel_keeps_the_setting_of_the_network_over_a_start(host: Host) -> None:
    assert host.check_output("sysctl --values net.core.somaxconn") == "8191"
    # As long as it runs, a container cannot lose what its network is set to: what a start does is done by hand.
    host.check_output("sysctl net.core.somaxconn=4096; systemctl restart systemd-sysctl.service")
    assert host.check_output("sysctl --values net.core.somaxconn") == "8191"
    assert "vm." not in host.file(SYSCTL_PATH).content_string


def test_kernel_of_the_machine_is_what_it_was(host: Host, named: dict[str, Any]) -> None:
    assert {path: host.file(path).content_string for path in named["kernel"]} == named["kernel"]
    assert not host.file("/etc/tmpfiles.d/lifeboat-huge-pages.conf").exists


def test_programs_were_restarted_one_by_one_and_once(host: Host, records: list[dict[str, Any]]) -> None:
    (restarted,) = [record["restarted"] for record in records if record["module"] == "rolling_restart"]
    names = [name.rpartition(":")[2] for name in restarted]
    assert names[0] == "frappe-bench-frappe-web"
    assert sorted(names[2:]) == sorted(f"frappe-bench-frappe-{queue}-worker-0" for queue in WORKERS)
    said = host.file("/var/log/supervisor/supervisord.log").content_string
    turns = re.findall(rf"(exited|stopped|spawned): '?({'|'.join(names)})\b", said)
    # The successor of each worker was there before the next one ended.
    ended_and_started = [(kind == "spawned", name) for kind, name in turns if "worker" in name][-2 * len(WORKERS) :]
    assert ended_and_started == [(started, name) for name in names[2:] for started in (False, True)]


def test_no_request_failed(traffic: dict[str, list[dict[str, Any]]]) -> None:
    (answers,) = traffic.values()
    assert [answer for answer in answers if answer["status"] != 200] == []
    assert {answer["kind"] for answer in answers} == {"read", "write"}
    assert len(answers) > 100


def test_tables_were_maintained(records: list[dict[str, Any]]) -> None:
    maintained = [record for record in records if record["action"] == "maintain"]
    checked = {(done["site"], done["table"]) for done in maintained[0]["done"] if done["action"] == "check"}
    assert {(site, "__global_search") for site in SITES} <= checked


def test_state_is_for_root_alone(host: Host) -> None:
    others = "! -user root -o -type d ! -perm 700 -o -type f ! -perm 600"
    assert host.check_output(f"find {STATE} {others}") == ""


def test_debug_mode_ended_by_itself(host: Host, named: dict[str, Any], records: list[dict[str, Any]]) -> None:
    assert host.file(f"{BENCH}/sites/{SITE}/site_config.json").content_string == named["configuration"]
    assert [record for record in records if record["action"] == "end"][-1]["reason"] == "its time was over"
    assert not host.file(f"{STATE}/-debug/logins.json").exists
    assert host.check_output("systemctl show --property=Result --value lifeboat-debug.service") == "success"
