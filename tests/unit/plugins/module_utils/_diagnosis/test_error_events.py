from __future__ import annotations

from datetime import datetime, timezone

from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.events import ErrorEvent, events_of_log, since

TRACE = """Traceback (most recent call last):
  File "/b/apps/frappe/frappe/app.py", line 1, in application
    x()
ValueError: one

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/b/apps/erpnext/erpnext/a.py", line 2, in f
    y()
KeyError: 'two'
"""
LOG = f"""2026-11-21 14:45:07,000 INFO frappe all is well
2026-11-21 14:45:08,123 ERROR frappe Failed to do it
{TRACE}2026-11-21 14:45:09,000 INFO frappe all is well again
[2026-11-21 15:45:08 +0100] [811] [CRITICAL] WORKER TIMEOUT (pid:815)
2026/11/21 14:45:10 [error] 812#812: *31 upstream timed out
2026/11/21 14:45:10 [notice] 812#812: signal failed to matter
812:C 21 Nov 2026 14:45:11.000 # Redis version=7.0.15, bits=64, just started
812:M 21 Nov 2026 14:45:11.123 # Can't save in background: fork: Cannot allocate memory
14:45:12 Moving job to FailedJobRegistry (Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); )
14:45:13 short: all fine
Error: connect ECONNREFUSED 127.0.0.1:11000
    at TCPConnectWrap.afterConnect
"""


def found() -> list[ErrorEvent]:
    return list(events_of_log(LOG, "web.error.log", timezone.utc, "a.example"))


def test_errors_of_every_format_are_found_and_calm_lines_are_not() -> None:
    firsts = [event.text.splitlines()[0] for event in found()]
    telling = ["Failed to do it", "WORKER TIMEOUT", "upstream timed out", "Can't save", "Work-horse", "ECONNREFUSED"]
    assert [word in first for word, first in zip(telling, firsts)] == [True] * len(telling) == [True] * len(firsts)


def test_traceback_belongs_to_the_line_before_it_with_what_caused_it() -> None:
    text = found()[0].text
    assert text.count("Traceback") == 2
    assert text.endswith("KeyError: 'two'")


def test_times_are_those_of_the_log() -> None:
    moment = datetime(2026, 11, 21, 14, 45, tzinfo=timezone.utc).timestamp()
    assert [event.at_seconds for event in found()] == [moment + second for second in (8, 8, 10, 11, 11, 11)]
    assert {event.site for event in found()} == {"a.example"}


def test_traceback_alone_is_an_error_without_a_time() -> None:
    (event,) = events_of_log(TRACE, "x.log", timezone.utc)
    assert event.at_seconds is None


def test_two_tracebacks_in_a_row_are_two_errors() -> None:
    simple = 'Traceback (most recent call last):\n  File "a", line 1, in f\nValueError: x\n'
    assert len(list(events_of_log(simple * 2, "x.log", timezone.utc))) == 2


def test_impossible_time_is_no_time() -> None:
    (event,) = events_of_log("2026-13-41 14:45:08,123 ERROR x\n", "x.log", timezone.utc)
    assert event.at_seconds is None


def test_endless_traceback_is_shortened() -> None:
    frames = '  File "a", line 1, in f\n' * 5000
    (event,) = events_of_log(f"Traceback (most recent call last):\n{frames}RecursionError: x\n", "x", timezone.utc)
    assert len(event.text.splitlines()) == 200
    assert event.text.endswith("RecursionError: x")


def test_old_events_are_left_out() -> None:
    events = [ErrorEvent("a", "x", 10.0), ErrorEvent("b", "x", 30.0), ErrorEvent("c", "x")]
    assert [(event.text, event.at_seconds) for event in since(events, 20, 25)] == [("b", 30.0), ("c", 25)]
    assert [event.text for event in since(events, 20, 15)] == ["b"]
