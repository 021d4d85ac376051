from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.filters import through
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_what_a_program_makes_of_it_is_written():
    parts = []
    with through(["tr", "a-z", "A-Z"], parts.append) as write:
        write(b"one ")
        write(b"two")
    assert b"".join(parts) == b"ONE TWO"


@pytest.mark.parametrize("size", [10, 10_000_000], ids=["before the end", "in the middle"])
def test_a_program_that_fails_is_said(size):
    with pytest.raises(LifeboatError) as failure, through(["false"], print) as write:
        write(bytes(size))
    assert failure.value.error_code == "command_failed"
    assert "false ended with exit code 1" in failure.value.message


@pytest.mark.parametrize("size", [10, 10_000_000], ids=["at the end", "in the middle"])
def test_an_error_of_what_takes_the_output_comes_out(size):
    def full(_content):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"), through(["cat"], full) as write:
        write(bytes(size))


def test_an_error_of_the_body_ends_the_program():
    def give_up():
        with through(["cat"], bytearray().extend) as write:
            write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        give_up()
