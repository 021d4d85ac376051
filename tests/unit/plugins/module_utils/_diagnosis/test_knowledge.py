"""The list of known errors: each entry recognises its own real text, and no text can make a pattern slow."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.knowledge import read_knowledge, recognise
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.known_errors import PATH, known_errors

from tests.tools.checkout import ROOT

try:
    import re._parser as pattern_parser  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    import sre_parse as pattern_parser

ENTRIES: list[dict[str, Any]] = yaml.safe_load(PATH.read_text())
KNOWLEDGE = read_knowledge(ENTRIES)
MOST_REPEATS = 200
# The subjects that the list must know.
MUST_KNOW = {
    "permission_denied",
    "validation",
    "mariadb_connection_refused",
    "mariadb_too_many_connections",
    "mariadb_lock_wait_timeout",
    "mariadb_deadlock",
    "mariadb_packet_too_large",
    "mariadb_incorrect_datetime",
    "session_expired",
    "file_too_large",
    "encryption_key_invalid",
    "redis_misconf",
    "out_of_memory",
    "mariadb_table_crashed",
    "scheduler_stuck",
    "mariadb_record_changed",
    "site_not_found",
    "mariadb_duplicate_entry",
    "mariadb_unknown_column",
    "disk_full",
    "job_timeout",
    "worker_lost",
    "nginx_bad_gateway",
    "nginx_gateway_timeout",
    "tls_failure",
    "smtp_auth",
    "smtp_refused",
    "email_stuck",
    "app_not_importable",
    "pip_conflict",
    "socketio_refused",
}

each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])


def test_there_are_at_least_forty_and_those_that_must_be() -> None:
    ids = [entry["id"] for entry in ENTRIES]
    assert len(ids) == len(set(ids)) >= 40
    assert set(ids) >= MUST_KNOW


@each_entry
def test_own_text_is_recognised(entry: dict[str, Any]) -> None:
    known = recognise(entry["sample"], KNOWLEDGE)
    assert known is not None
    assert known.id == entry["id"]


@each_entry
def test_only_declared_entries_match_the_text(entry: dict[str, Any]) -> None:
    matching = {
        known.id for known in KNOWLEDGE if any(pattern.search(entry["sample"]) for pattern in known.patterns)
    } - {entry["id"]}
    assert matching == set(entry.get("also_matches", ()))


@each_entry
def test_a_person_is_told_what_to_do(entry: dict[str, Any]) -> None:
    assert entry["title"]
    assert entry["causes"]
    assert entry["steps"]
    assert entry["prevention"]
    if entry.get("playbook"):
        assert (ROOT / "playbooks" / f"{entry['playbook'].rpartition('.')[2]}.yml").is_file()


@each_entry
def test_no_text_makes_a_pattern_slow(entry: dict[str, Any]) -> None:
    """Each repeats at most a few hundred times, and no repetition stands in another."""
    for pattern in entry["patterns"]:
        assert all(most <= MOST_REPEATS and not nested for most, nested in repeats(pattern_parser.parse(pattern)))


def repeats(parsed: Any, inside: bool = False) -> list[tuple[int, bool]]:
    found: list[tuple[int, bool]] = []
    for operation, argument in parsed:
        if str(operation) in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            _least, most, body = argument
            is_many = int(most) > 1
            found += [(int(most), inside and is_many), *repeats(body, inside or is_many)]
        elif str(operation) == "BRANCH":
            found += [each for branch in argument[1] for each in repeats(branch, inside)]
        elif str(operation) == "SUBPATTERN":
            found += repeats(argument[3], inside)
        elif str(operation) in {"ASSERT", "ASSERT_NOT"}:
            found += repeats(argument[1], inside)
    return found


@pytest.mark.parametrize(("pattern", "is_slow"), [("(a+)+b", True), ("x.*y", True), ("a{0,80}b", False)])
def test_slow_patterns_would_be_found(pattern: str, is_slow: bool) -> None:
    found = repeats(pattern_parser.parse(pattern))
    assert any(most > MOST_REPEATS or nested for most, nested in found) is is_slow


def test_what_is_sent_to_a_host_has_no_samples() -> None:
    assert [entry["id"] for entry in known_errors()] == [entry["id"] for entry in ENTRIES]
    assert not any("sample" in entry or "also_matches" in entry for entry in known_errors())


def test_bad_pattern_is_an_error_that_names_the_entry() -> None:
    with pytest.raises(LifeboatError, match="mine") as caught:
        read_knowledge([{"id": "mine", "title": "x", "patterns": ["("]}])
    assert caught.value.error_code == "knowledge_invalid"


def test_unknown_text_is_not_recognised_and_the_end_of_a_long_one_is_read() -> None:
    assert recognise("nothing of the kind", KNOWLEDGE) is None
    known = recognise("x\n" * 10_000 + "OSError: [Errno 24] Too many open files", KNOWLEDGE)
    assert known is not None
    assert known.id == "too_many_files"


def test_what_an_entry_leaves_out_is_empty() -> None:
    (known,) = read_knowledge([{"id": "mine", "title": "Mine", "patterns": ["x"], "playbook": None}])
    assert known.advice() == {
        "id": "mine",
        "title": "Mine",
        "causes": [],
        "steps": [],
        "prevention": "",
        "playbook": "",
    }
    assert known.patterns == (re.compile("x", re.IGNORECASE),)
