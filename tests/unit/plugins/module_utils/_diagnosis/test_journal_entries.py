from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.journal_entries import read_journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

ENTRIES = [
    {"SYSLOG_IDENTIFIER": "kernel", "MESSAGE": "Out of memory: Killed process 1", "__REALTIME_TIMESTAMP": "2000000"},
    {"SYSLOG_IDENTIFIER": "sshd", "MESSAGE": "error: kex", "__REALTIME_TIMESTAMP": "3000000"},
    {"SYSLOG_IDENTIFIER": "redis", "MESSAGE": [1, 2]},
    {"_SYSTEMD_UNIT": "mariadb.service", "MESSAGE": "it died", "__CURSOR": "s=9"},
]


class Journal:
    def __init__(self, output: str, exit_code: int = 0) -> None:
        self.output, self.exit_code = output, exit_code
        self.asked: list[str] = []

    def __call__(self, arguments: Sequence[str]) -> CommandResult:
        self.asked = list(arguments)
        return CommandResult(tuple(arguments), self.exit_code, self.output, "")


def test_errors_of_what_a_bench_lives_from_are_read() -> None:
    journal = Journal("\n".join(map(json.dumps, ENTRIES)) + "\n[1]\n{cut")
    part = read_journal(journal, "", 77.9)
    assert [(event.text, event.at_seconds) for event in part.events] == [
        ("kernel: Out of memory: Killed process 1", 2.0),
        ("mariadb.service: it died", None),
    ]
    assert part.cursor == "s=9"
    assert "--since=@77" in journal.asked


def test_next_look_goes_on_where_the_last_one_ended() -> None:
    journal = Journal("")
    assert read_journal(journal, "s=9", 0).cursor == "s=9"
    assert "--after-cursor=s=9" in journal.asked


def test_journal_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(LifeboatError, match="ended with 1"):
        read_journal(Journal("", 1), "", 0)
