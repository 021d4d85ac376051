from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.masking import mask_message, mask_text

SECRETS = [
    ("connecting to redis://:hunter2@127.0.0.1:11000", "hunter2"),
    ("Authorization: token 8f2a1b9c0d:77aa66bb", "77aa66bb"),
    ('{"api_key": "abc def", "x": 1}', "abc def"),
    ("password=hunter2&next=1", "hunter2"),
    ("db_password: 'hunter 2'", "hunter 2"),
    ("sent to jane.doe@example.com today", "jane.doe"),
    ("key 8lt2LoPfrz4MjHSbV6SUW7HyFwTYja5ZY11Cyh6FVbg= is wrong", "8lt2LoPfrz4"),
    ("client: 192.0.2.7, server", "192.0.2.7"),
    ("from 2001:db8:0:0:1::1 port", "2001:db8"),
    ("call +4915112345678 now", "4915112345678"),
    ("call (030) 1234 5678 now", "1234 5678"),
    ("Row of <strong>ACME Ltd</strong> is locked", "ACME"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secrets_and_personal_data_are_masked(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in mask_text(text)


def test_what_says_where_it_is_stays() -> None:
    text = (
        "2026-11-21 14:45:08,123 ERROR /home/frappe/frappe-bench/apps/erpnext/erpnext/accounts/party.py 1205 (pid:815)"
    )
    assert mask_text(text) == text


def test_values_of_a_statement_are_masked_and_names_stay() -> None:
    message = """(1062, "Duplicate entry 'SINV-0012' for key 'PRIMARY'")"""
    assert mask_message(message) == """(1062, "Duplicate entry '?' for key 'PRIMARY'")"""
    assert mask_message("No module named 'hrms'") == "No module named 'hrms'"
    assert mask_message("""(1054, "Unknown column 'tabItem.x' in 'SELECT'")""").count("tabItem.x") == 1


def test_apostrophe_in_a_word_is_no_quotation() -> None:
    message = """(2003, "Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection refused)")"""
    assert (
        mask_message(message) == """(2003, "Can't connect to MySQL server on '?' ([Errno 111] Connection refused)")"""
    )


def test_quoted_sentence_is_masked_whole() -> None:
    assert mask_message("Error in 'Salary of Jane'") == "Error in '?'"
    assert mask_message("empty '' stays") == "empty '' stays"


def test_long_text_is_cut() -> None:
    assert len(mask_text("x " * 10_000)) == 4000
