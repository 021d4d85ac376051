"""``drop_in`` and ``variables``: what the file may hold, and that what is written is read again."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.advisor import advise
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.drop_in import (
    DropIn,
    propose,
    read_drop_in,
    read_reviewed,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.load import GIB, MIB
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.variables import VARIABLES
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.settings_loads import make_load

DYNAMIC = dict.fromkeys(VARIABLES, True) | {"innodb_doublewrite": False}
NOTHING = DropIn("")


def proposed(present: DropIn = NOTHING, **changes: object) -> DropIn:
    return propose(present, advise(make_load(**changes), (), 0.0), DYNAMIC, "db1", "10.11.19-MariaDB")


def test_file_is_read_as_the_server_reads_it() -> None:
    text = "# a note\n\n[mysqld]\n; why\nMax-Connections=200 # enough\n\n[mariadbd]\ninnodb_doublewrite = true\n"
    found = read_drop_in(text)
    assert found.values == {"max_connections": "200", "innodb_doublewrite": "ON"}
    assert found.settings[0].comments == ("; why",)
    assert found.text == text
    assert found.sha256 == sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("port = 3306", "line 2 of the file is no setting of a variable"),
        ("max_connections", "line 2 of the file is no setting of a variable"),
        ("max_connections =", "line 2 of the file is no setting of a variable"),
        ("loose-max_connections = 3", "line 2 of the file is no setting of a variable"),
        ("!includedir /etc", "line 2 of the file is no setting of a variable"),
        ("max_connections = 200 300", "line 2 of the file is no setting of a variable"),
        ("max_connections = 30\x0bport = 1", "line 2 of the file is no setting of a variable"),
        ("max_connections = \u0663\u0660", "line 2 of the file is no setting of a variable"),
        ("max_connections = 1K", "whole number"),
        ("max_connections = 0", "may be from 20 to 100000"),
        ("innodb_buffer_pool_size = 1P", "whole number, with K, M, G or T"),
        ("innodb_buffer_pool_size = 1M", "from 16M to 8388608M"),
        ("innodb_doublewrite = 2", "OFF or ON"),
        ("max_connections = 30\nmax_connections = 40", "line 3 of the file sets max_connections again"),
        ("[client]", r"line 2 of the file begins the section \[client\]"),
        ("[mysqld", "line 2 of the file is no setting of a variable"),
    ],
)
def test_anything_else_is_refused(line: str, reason: str) -> None:
    with pytest.raises(LifeboatError, match=reason) as refused:
        read_drop_in(f"[mariadbd]\n{line}\n")
    assert refused.value.error_code == "settings_refused"


def test_line_that_is_refused_is_not_quoted() -> None:
    with pytest.raises(LifeboatError) as refused:
        read_drop_in("[mariadbd]\npassword = s3cr3t\n")
    assert "s3cr3t" not in refused.value.message


def test_setting_before_a_section_is_refused() -> None:
    with pytest.raises(LifeboatError, match="line 1 of the file stands before"):
        read_drop_in("max_connections = 30\n")


def test_reviewed_file_is_known_by_its_digest_and_host() -> None:
    text = "# host: db1\n[mariadbd]\nmax_connections = 30\n"
    digest = sha256(text.encode()).hexdigest()
    assert read_reviewed(text, digest.upper(), "db1").values == {"max_connections": "30"}
    with pytest.raises(LifeboatError, match="not the one that was reviewed"):
        read_reviewed(text + "\n", digest, "db1")
    with pytest.raises(LifeboatError, match="is for db1, and this is db2"):
        read_reviewed(text, digest, "db2")


def test_proposal_says_why_and_is_read_again() -> None:
    found = proposed(miss_percent=4.0, variables={"innodb_doublewrite": "OFF"})
    assert found.text.startswith("# Settings for MariaDB 10.11.19-MariaDB, advised by lifeboat.frappe")
    for line in (
        "# buffer pool: was 128M; 4.0 % of all reads missed it",
        "# numbers: memory_bytes 17179869184,",
        "# takes effect at the next restart",
        "# takes effect at once",
        "innodb_doublewrite = ON",
    ):
        assert line in found.text
    assert read_reviewed(found.text, found.sha256, "db1").values == found.values


def test_nothing_new_leaves_the_file_letter_by_letter() -> None:
    present = read_drop_in("[mysqld]\n# by hand\nmax_connections=300\n")
    assert proposed(present) is present
    assert proposed() is NOTHING


def test_what_is_in_the_file_stays_in_it_with_its_reason() -> None:
    present = read_drop_in("[mysqld]\n# by hand\nmax_connections=300\ntmp_table_size=32M\n")
    found = proposed(present, temporary_percent=90.0)
    assert found.values == {
        "max_connections": "300",
        "tmp_table_size": str(64 * MIB),
        "max_heap_table_size": str(64 * MIB),
    }
    assert "# by hand\nmax_connections = 300\n" in found.text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("innodb_buffer_pool_size", 6 * GIB, "6144M"),
        ("tmp_table_size", MIB + 1024, "1025K"),
        ("tmp_table_size", MIB + 1, "1048577"),
        ("max_connections", 300, "300"),
        ("tmp_table_size", 0, "0"),
    ],
)
def test_sizes_are_written_for_people(name: str, value: int, text: str) -> None:
    assert VARIABLES[name].text(str(value)) == text


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(VARIABLES)), st.integers(0, 2**45))
def test_each_value_is_written_so_that_it_is_read_again(name: str, number: int) -> None:
    variable = VARIABLES[name]
    value = variable.choices[number % len(variable.choices)] if variable.choices else str(number)
    try:
        known = variable.value(value)
    except LifeboatError:
        assert not variable.choices
        assert not variable.least <= number <= variable.most
        return
    text = variable.text(known)
    assert variable.value(text) == variable.value(text.lower()) == known == value
    assert variable.literal(known).strip("'") == known


LINES = ("[mysqld]", "[mariadbd]", "# x", "", "max_connections = 30", "tmp_table_size=2M", "!include x", "[client]")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(LINES), st.text()), max_size=6).map("\n".join))
def test_no_text_is_half_understood(text: str) -> None:
    """Whatever is in a file: it is refused, or each of its values may be set."""
    with suppress(LifeboatError):
        found = read_drop_in(text)
        assert all(VARIABLES[name].value(value) == value for name, value in found.values.items())


def test_literals_are_digits_or_quoted_choices() -> None:
    assert VARIABLES["innodb_flush_log_at_trx_commit"].literal("2") == "2"
    assert VARIABLES["innodb_doublewrite"].literal("OFF") == "'OFF'"
    with pytest.raises(LifeboatError):
        VARIABLES["innodb_doublewrite"].literal("OFF' OR 1")
    with pytest.raises(ValueError, match="could not convert"):
        VARIABLES["max_connections"].literal("1 OR 1")
