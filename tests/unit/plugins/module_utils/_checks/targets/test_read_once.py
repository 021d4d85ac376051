"""A reading that is shared by checks that run side by side."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.read_once import read_once


class Place:
    def __init__(self) -> None:
        self.reads = 0
        self.release = threading.Event()
        self.error: Exception | None = None

    @read_once
    def value(self) -> int:
        """What there is."""
        self.reads += 1
        self.release.wait(60)
        if self.error:
            raise self.error
        return self.reads


def test_many_that_ask_at_once_read_once() -> None:
    place, found = Place(), []
    threads = [threading.Thread(target=lambda: found.append(place.value)) for _number in range(5)]
    for thread in threads:
        thread.start()
    place.release.set()
    for thread in threads:
        thread.join()
    assert (found, place.value, place.reads) == ([1] * 5, 1, 1)


def test_one_that_hangs_does_not_hold_up_another() -> None:
    slow, quick = Place(), Place()
    quick.release.set()
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    assert quick.value == 1
    slow.release.set()
    thread.join()


def test_failure_is_remembered_and_a_crash_is_not() -> None:
    place = Place()
    place.release.set()
    place.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        assert place.value
    place.error = UnmeasurableError("it is down")
    for _number in range(2):
        with pytest.raises(UnmeasurableError, match="it is down"):
            assert place.value
    assert place.reads == 2


def test_class_itself_has_the_description() -> None:
    assert Place.value.__doc__ == "What there is."
