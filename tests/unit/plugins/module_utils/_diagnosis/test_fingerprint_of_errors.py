from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.fingerprint import fingerprint_of, sample_of

TRACE = """2026-11-21 14:45:0{second},123 ERROR frappe x
Traceback (most recent call last):
  File "/home/frappe/frappe-bench/env/lib/python3.11/site-packages/x.py", line 5, in call
    x()
  File "/home/frappe/frappe-bench/apps/frappe/frappe/app.py", line {line}, in application
    y()
  File "apps/erpnext/erpnext/accounts/party.py", line {line}, in get_party
    z("{name}")
frappe.exceptions.ValidationError: Customer '{name}' is frozen
"""


def trace(**changes: object) -> str:
    return TRACE.format(**{"second": 1, "line": 7, "name": "ACME", **changes})


def test_time_line_and_name_do_not_matter() -> None:
    assert fingerprint_of(trace()).id == fingerprint_of(trace(second=2, line=99, name="Jane")).id


def test_place_and_class_matter() -> None:
    moved = trace().replace("get_party", "set_party")
    other = trace().replace("ValidationError", "LinkValidationError")
    assert len({fingerprint_of(text).id for text in (trace(), moved, other)}) == 3


def test_error_number_of_the_server_matters() -> None:
    base = trace().replace("frappe.exceptions.ValidationError: ", "pymysql.err.OperationalError: (1205, 'x') ")
    assert fingerprint_of(base).id != fingerprint_of(base.replace("1205", "1213")).id


def test_frames_are_those_of_apps_the_innermost_first() -> None:
    fingerprint = fingerprint_of(trace())
    assert fingerprint.frames == (
        "erpnext/erpnext/accounts/party.py in get_party",
        "frappe/frappe/app.py in application",
    )
    assert fingerprint.exception == "frappe.exceptions.ValidationError"
    assert fingerprint.title == "frappe.exceptions.ValidationError: Customer '?' is frozen"


def test_sample_has_the_place_and_neither_code_nor_values() -> None:
    sample = sample_of(trace())
    assert "party.py in get_party" in sample
    assert "ACME" not in sample
    assert "site-packages/x.py in call" in sample


def test_lines_of_a_log_are_one_error_but_for_time_and_numbers() -> None:
    first = "2026/11/21 14:45:08 [error] 812#812: *31 upstream timed out, client: 192.0.2.7"
    second = "2026/11/22 01:00:00 [error] 9#9: *4711 upstream timed out, client: 198.51.100.1"
    assert fingerprint_of(first).id == fingerprint_of(second).id
    assert fingerprint_of(first).title == "upstream timed out, client: <address>"
    assert fingerprint_of(first).exception == ""
    assert sample_of(first).startswith("2026/11/21")


def test_class_alone_is_an_exception() -> None:
    assert fingerprint_of("frappe.exceptions.SessionExpired").exception == "frappe.exceptions.SessionExpired"


def test_long_message_is_cut() -> None:
    assert len(fingerprint_of(f"ValueError: {'long ' * 100}").title) == 160
    assert len(sample_of("long " * 500)) == 600


def test_empty_text_has_a_fingerprint_too() -> None:
    assert fingerprint_of("").title == ""
