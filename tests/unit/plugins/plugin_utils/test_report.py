from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.report import moment_text, report_view

from tests.replay_plans import REPLAY, UNDO
from tests.unit.plugins.plugin_utils.records import SITE, sample_record


def test_a_recovered_site() -> None:
    view = report_view(sample_record())
    assert (view["tone"], view["headline"]) == ("good", f"{SITE} was recovered")
    assert view["lead"][1] == "It was unavailable for 0.42 s."
    assert [figure["label"] for figure in view["figures"]] == ["Recovery point", "RPO", "RTO", "Downtime"]
    assert view["commands"][0]["command"].endswith("-e state=rolled_back")
    assert view["commands"][1]["command"].endswith("-e state=retired")
    assert "with its account locked" in view["kept"][0]
    assert view["not_recovered"]
    assert view["error"] is None


@pytest.mark.parametrize(
    ("outcome", "tone", "words"), [("failed", "bad", "was not recovered"), ("rolled_back", "warning", "rolled back")]
)
def test_a_site_that_was_not_recovered(outcome: str, tone: str, words: str) -> None:
    nothing: dict[str, Any] = {"rto_seconds": None, "downtime_seconds": None, "kept": None, "rollback_command": None}
    nothing.update(drained=None, assessment=None, proof={"database": None, "files": None}, verification=[])
    view = report_view(sample_record(outcome=outcome, error={"code": "x", "reason": "no"}, **nothing))
    assert view["tone"] == tone
    assert words in view["headline"]
    assert [figure["label"] for figure in view["figures"]] == ["Recovery point", "RPO"]
    assert view["lead"]
    empty = ("commands", "kept", "proofs", "verification", "assessment", "drained")
    assert not any(view[name] for name in empty)
    assert view["error"] == {"code": "x", "reason": "no"}


def test_a_recovery_onto_nothing() -> None:
    replaced = {**sample_record()["replaced"], "database_exists": False, "exists": False}
    backup = {**sample_record()["set"], "table_count": None, "sql_bytes": None, "versions": {}, "encrypted": False}
    kept = {"database": None, "files": [], "until": "2026-11-28T03:45:20Z"}
    view = report_view(sample_record(replaced=replaced, set=backup, downtime_seconds=None, kept=kept))
    facts = {fact["label"]: fact["value"] for fact in view["facts"]}
    assert facts["What was live"] == "no database, and no folder of the site"
    assert facts["Its content"] == "1.2 GiB of artifacts"
    assert "Its apps" not in facts
    assert not any("unavailable" in sentence for sentence in view["lead"])
    assert len(view["kept"]) == 1


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ({"login": "passed", "job": "passed"}, ["Verified on the live site: login, job."]),
        (
            {"login": "passed", "job": "skipped"},
            ["Verified on the live site: login.", "Not verified: job (no worker)."],
        ),
        ({"login": "skipped", "job": "skipped"}, ["Not verified: login, job (no worker)."]),
        ({}, ["Not verified: whether it serves."]),
    ],
    ids=["all", "some", "none", "not asked"],
)
def test_a_recovered_site_says_what_of_it_is_verified(outcomes: dict[str, str], said: list[str]) -> None:
    checks = [
        {"name": name, "outcome": outcome, "seconds": 0.1, "reason": "no worker" if outcome == "skipped" else ""}
        for name, outcome in outcomes.items()
    ]
    assert report_view(sample_record(verification=checks))["lead"][2:] == said


def test_a_configuration_that_could_not_be_read_is_named() -> None:
    replaced = {**sample_record()["replaced"], "configuration_valid": False}
    facts = {fact["label"]: fact["value"] for fact in report_view(sample_record(replaced=replaced))["facts"]}
    assert facts["What was live"].endswith("its configuration could not be read")


def test_bars_of_the_timeline_stay_inside() -> None:
    record = sample_record()
    record["steps"].append(
        {"name": "rollback", "started_at": record["ended_at"], "seconds": 0.0, "bytes": 10, "outcome": "failed"}
    )
    timeline = report_view(record)["timeline"]
    assert all(0 <= step["offset_percent"] <= 100 for step in timeline)
    assert all(step["offset_percent"] + step["width_percent"] <= 100.01 for step in timeline)
    assert [step["is_part"] for step in timeline][:3] == [False, True, True]
    assert timeline[0]["note"] == "1.1 GiB, 17.7 MiB/s"
    assert (timeline[-1]["failed"], timeline[-1]["name"], timeline[-1]["note"]) == (True, "Roll back", "10 bytes")


def test_what_was_proven_and_how() -> None:
    proofs = {proof["title"]: "\n".join(proof["lines"]) for proof in report_view(sample_record())["proofs"]}
    assert "The dump is whole" in proofs["Database"]
    assert "3,120,448 rows in 404 tables: every table was read back" in proofs["Database"]
    assert "Loaded as well: 1 sequence." in proofs["Database"]
    assert "A stored password opens" in proofs["Database"]
    assert "The database lists 120 local files; 117 were compared" in proofs["Files"]
    assert "2 are not in the archives." in proofs["Files"]
    assert "outdated" not in proofs["Files"]


def test_the_proof_of_tables_as_files_names_their_digests_and_the_manifest() -> None:
    record = sample_record()
    imported = {
        "completion_line": False,
        "rows_equal_to_dump": False,
        "hashed_files": 808,
        "rows_equal_to_manifest": True,
    }
    record["proof"]["database"].update(imported)
    proofs = {proof["title"]: "\n".join(proof["lines"]) for proof in report_view(record)["proofs"]}
    assert "808 files of tables: each is what the backup wrote" in proofs["Database"]
    assert "has as many rows as the manifest" in proofs["Database"]
    assert "dump" not in proofs["Database"]


def test_a_proof_of_little_says_little() -> None:
    view = report_view(sample_record(proof={"database": {"tables": 1}, "files": None}))
    assert view["proofs"] == [{"title": "Database", "lines": []}]


def test_what_was_asked_of_the_live_site() -> None:
    first, second = report_view(sample_record())["verification"]
    assert (first["name"], first["text"]) == ("login on app1", "passed in 21 ms")
    assert second["text"] == "skipped: no worker runs on this host"
    unnamed = sample_record(verification=[{"name": "ping", "outcome": "passed", "seconds": 1, "reason": ""}])
    assert report_view(unnamed)["verification"][0]["name"] == "ping"


def test_loss_is_shown_as_tables() -> None:
    assessment = report_view(sample_record())["assessment"]
    titles = [table["title"] for table in assessment["tables"]]
    assert titles[0].startswith("Rows that the live site lacked")
    assert assessment["tables"][0]["rows"] == [
        ["Sales Invoice", "18,220", "0", "18,220"],
        ["Error Log (cleared by Frappe itself)", "9", "no table", "9"],
    ]
    assert titles[2] == "Deleted Document: what was deleted since"
    assert len(titles) == 3, "what has no rows is left out"


def test_corruption_is_shown_as_a_table() -> None:
    finding = {"table": "tabNote", "engine": "InnoDB", "outcome": "damaged", "text": "Index is corrupt"}
    assessment = {"scope": "corruption", "summary": ["1 of 2"], "damaged": [finding], "not_checked": []}
    view = report_view(sample_record(assessment=assessment))["assessment"]
    assert [table["title"] for table in view["tables"]] == ["Damaged tables"]
    assert view["tables"][0]["rows"] == [["tabNote", "InnoDB", "Index is corrupt"]]


def test_jobs() -> None:
    view = report_view(sample_record())
    assert view["drained"][1] == f"Still running at the switch: {SITE}::reindex in long for 5 min 40 s"
    skipped = {"waited_seconds": 0, "still_running": [], "skipped": "Redis does not answer."}
    assert report_view(sample_record(drained=skipped))["drained"] == [
        "Running jobs could not be looked at: Redis does not answer."
    ]
    unknown = {"waited_seconds": 0, "still_running": [{"job": "a", "queue": "long", "seconds": None}], "skipped": ""}
    assert report_view(sample_record(drained=unknown))["drained"][1] == "Still running at the switch: a in long"


def test_moments_are_shown_in_utc() -> None:
    assert moment_text("2026-11-21T08:45:14.5+05:30") == "21 Nov 2026 03:15:14 UTC"


def test_a_point_in_time_says_what_was_replayed_and_undone() -> None:
    record = sample_record(replay=REPLAY.as_dict(), undo=UNDO.as_dict())
    facts = {fact["label"]: fact["value"] for fact in report_view(record)["facts"]}
    assert facts["Asked for"] == "2026-11-21T08:40:00+05:30"
    assert facts["Replayed onto it"] == "3 transactions of the site, 356 bytes of binary log, up to 0-1-9"
    assert facts["Undone"].startswith("0-1-7 of 21 Nov 2026 03:05:00 UTC (tabSales Invoice: 400 rows come back")
    without = report_view(sample_record(replay=REPLAY.as_dict(), undo=None))["facts"]
    assert "Undone" not in [fact["label"] for fact in without]


def test_files_that_were_taken_from_the_live_site_are_told() -> None:
    proof = sample_record()["proof"]
    files = {**proof["files"], "taken_from_live": {"files": 2, "bytes": 2048}}
    view = report_view(sample_record(proof={**proof, "files": files}))
    lines = next(shown["lines"] for shown in view["proofs"] if shown["title"] == "Files")
    assert any(line.startswith("2 files (2.0 KiB) that came after the set were taken") for line in lines)
