from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Entry
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record_summary import summarise_recovery

from tests.replay_plans import REPLAY, UNDO

SCHEMA = json.loads((Path(__file__).parents[5] / "docs" / "recovery-record.schema.json").read_text())
INTENT = {
    "database": "_new",
    "replaced_database": "_old",
    "configuration": "valid",
    "trees": [{"name": "public/files"}],
}

PLAN: dict[str, Any] = {
    "site": "a.localhost",
    "bench_path": "/home/frappe/frappe-bench",
    "procedure": "standard",
    "set": {
        "name": "20261121_083000-a_localhost",
        "folder": "/backups",
        "artifacts": [],
        "verdict": "complete",
        "recovery_point": "2026-11-21T03:00:00Z",
        "recovery_point_source": "gzip_header",
        "size_bytes": 1000,
        "encrypted": False,
        "skipped": [],
        "missing_kinds": [],
        "insecure_permissions": [],
    },
    "replaces": {
        "exists": True,
        "configuration_valid": True,
        "db_name": "_old",
        "database_exists": True,
        "tables": 2,
        "bytes": 5,
        "scheduler_enabled": True,
        "maintenance_mode": False,
    },
    "recovery_point": "2026-11-21T03:00:00Z",
    "checks": [],
    "keeps_until": "2026-11-28T04:00:00Z",
}


def at(minute: int, step: str, event: str, **facts: Any) -> Entry:
    return Entry(f"2026-11-21T04:{minute:02}:00.000+00:00", step, event, facts)


ENTRIES = [
    at(0, "recovery", "begin"),
    at(1, "staging_database.load", "begin"),
    at(2, "staging_database.load", "done", seconds=60.0, bytes=4000),
    at(2, "staging_database.prove", "done", seconds=1.0, proof={"rows": 7}),
    at(3, "staging_files", "done", seconds=1.0, proof={"not_recovered": ["1 file"]}),
    at(4, "promote", "begin"),
    at(4, "promote.intent", "done", intent=INTENT),
    at(4, "promote.drain", "done", seconds=0.1, drained={"waited_seconds": 0.0, "still_running": []}),
    at(4, "promote.configuration", "done", seconds=0.1, downtime_seconds=0.2),
    at(5, "promote", "done", seconds=60.0),
]


def summary(entries=None, outcome="recovered", plan=None, **more: Any) -> dict[str, Any]:
    record = summarise_recovery(
        recovery="20261121T040000Z-12ab",
        host="app1",
        plan=plan or PLAN,
        entries=entries or ENTRIES,
        outcome=outcome,
        ended_at="2026-11-21T04:06:00Z",
        verification=more.get("verification", []),
        assessment=None,
        error=more.get("error"),
    )
    jsonschema.validate(record, SCHEMA)
    return record


def texts(record: dict[str, Any]) -> str:
    return " ".join(f"{advice['text']} {advice['because']}" for advice in record["recommendations"])


def test_a_recovered_site_has_its_times_its_proof_and_the_way_back():
    record = summary()
    assert record["rpo_seconds"] == 65 * 60
    assert record["rto_seconds"] == 5 * 60
    assert record["downtime_seconds"] == 0.2
    assert record["proof"] == {"database": {"rows": 7}, "files": {"not_recovered": ["1 file"]}}
    assert record["kept"] == {"database": "_old", "files": ["public/files"], "until": "2026-11-28T04:00:00Z"}
    assert record["rollback_command"].endswith("-e site=a.localhost -e state=rolled_back")
    assert record["steps"][0]["name"] == "staging_database.load"
    assert record["not_recovered"] == ["1 file"]


def test_what_was_fetched_before_counts():
    record = summary(plan={**PLAN, "fetch_seconds": 90.5})
    assert record["rto_seconds"] == 5 * 60 + 90.5
    assert record["steps"][0] == {
        "name": "fetch",
        "started_at": "2026-11-21T03:58:29Z",
        "seconds": 90.5,
        "bytes": 1000,
        "outcome": "done",
    }


def test_a_failed_recovery_was_never_live():
    record = summary(ENTRIES[:3], "failed", error={"code": "proof_failed", "reason": "No."})
    assert (record["rto_seconds"], record["downtime_seconds"], record["kept"]) == (None, None, None)
    assert record["rollback_command"] is None
    assert record["rpo_seconds"] == 60 * 60


def test_after_a_rollback_the_replacement_is_what_is_kept():
    assert summary(outcome="rolled_back")["kept"]["database"] == "_new"


def test_where_there_was_nothing_before_there_is_no_way_back():
    nothing = {**INTENT, "replaced_database": "", "configuration": "missing"}
    entries = [*ENTRIES[:6], at(4, "promote.intent", "done", intent=nothing), *ENTRIES[7:]]
    record = summary(entries)
    assert (record["kept"], record["rollback_command"]) == (None, None)


def test_a_plain_recovery_gives_no_advice_but_to_back_up():
    assert [advice["text"] for advice in summary(ENTRIES[:4] + ENTRIES[5:])["recommendations"]] == [
        "Take a new backup now."
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"skipped": [{"name": "s", "folder": "/", "verdict": "broken", "reason": "cut"}]}, "s could not be used: cut"),
        ({"missing_kinds": ["files", "private_files"]}, "no files, private files"),
        ({"insecure_permissions": ["x", "y"]}, "2 artifacts"),
        ({"encrypted": True}, "backup_encryption_key"),
    ],
)
def test_advice_follows_from_the_set(change, expected):
    assert expected in texts(summary(plan={**PLAN, "set": {**PLAN["set"], **change}}))


def test_a_set_of_the_collection_has_no_key_beside_what_it_opens():
    chosen = {**PLAN["set"], "encrypted": True, "recovery_point_source": "manifest"}
    assert "backup_encryption_key" not in texts(summary(plan={**PLAN, "set": chosen}))


def test_advice_follows_from_old_data():
    old = texts(summary(plan={**PLAN, "recovery_point": "2026-11-10T03:00:00Z"}))
    assert "Back up more often." in old
    assert "dormant" in old


def test_advice_follows_from_what_was_seen_on_the_way():
    job = {"job": "a.localhost::1", "queue": "long", "seconds": 9}
    entries = [*ENTRIES, at(5, "promote.drain", "done", seconds=1.0, drained={"still_running": [job]})]
    entries.append(at(5, "staging_database.create", "done", seconds=1.0, binary_log="skipped"))
    plan = {
        **PLAN,
        "checks": [{"name": "keys", "outcome": "warning", "text": "Another key."}],
        "replaces": {**PLAN["replaces"], "maintenance_mode": True},
    }
    verification = [
        {"name": "login", "outcome": "failed", "seconds": 1.0, "reason": "answered 500"},
        {"name": "job", "outcome": "skipped", "seconds": 0.0, "reason": "no worker"},
    ]
    assert "Seed the replicas" not in texts(summary(entries, plan=plan)), "none follow"
    plan["checks"].append({"name": "replicas", "outcome": "warning", "text": "They do not get it."})
    advice = texts(summary(entries, plan=plan, verification=verification))
    assert "warning about replicas" not in advice
    for expected in (
        "a.localhost::1",
        "Another key.",
        "set-maintenance-mode off",
        "answered 500",
        "no worker",
        "1 file",
        "Seed the replicas",
    ):
        assert expected in advice


@pytest.mark.parametrize(("elsewhere", "is_advised"), [("passed", False), ("skipped", True)])
def test_a_site_that_nobody_could_open_is_to_be_opened(elsewhere: str, is_advised: bool):
    verification = [
        {"name": "login", "outcome": outcome, "seconds": 0.0, "reason": "no web process"}
        for outcome in ("skipped", elsewhere)
    ]
    assert ("open the site" in texts(summary(verification=verification))) == is_advised


def test_a_point_in_time_is_told_as_it_was_reached():
    plan = {**PLAN, "replay": REPLAY.as_dict(), "undo": UNDO.as_dict(), "recovery_point": REPLAY.recovery_point}
    planned = summary(plan=plan)
    assert planned["replay"]["gtid"] == "0-1-9"
    assert planned["recovery_point"] == "2026-11-21T03:10:00Z"
    assert planned["undo"]["gtid"] == "0-1-7"
    until = {"gtid": "0-1-12", "file": "binlog.000003", "offset": 77}
    reached = {"until": until, "gtid": "0-1-12", "transactions": 5, "recovery_point": "2026-11-21T04:01:30Z"}
    rest = at(5, "staging_database.rest", "done", seconds=1.0, replayed=reached)
    record = summary([*ENTRIES, at(1, rest.step, "begin"), rest], plan=plan)
    assert record["rpo_seconds"] == 0  # the site was closed, and then the end of the log was read
    ended = summary([*ENTRIES, at(2, rest.step, "begin"), rest], plan=plan)
    assert ended["rpo_seconds"] == 30  # the logs ended before that
    assert (record["replay"]["until"], record["replay"]["transactions"]) == (until, 5)
    assert record["recovery_point"] == "2026-11-21T04:01:30Z"
    assert summary()["replay"] is None
