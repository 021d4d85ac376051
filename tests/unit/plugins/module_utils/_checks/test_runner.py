"""Running checks side by side: nothing hangs the run, and a crash is that check's alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Sample
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import (
    Check,
    Measurement,
    NotApplicableError,
    UnmeasurableError,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.runner import THREADS, RunOptions, run_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings, Target
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.health_findings import make_check

# For what answers, however busy the machine is; for what hangs alone; and for both side by side.
UNHURRIED = RunOptions(sample_seconds=0, deadline_seconds=60)
QUICK = RunOptions(sample_seconds=0, deadline_seconds=0.2)
MIXED = RunOptions(sample_seconds=0, deadline_seconds=1)


class Counting(Target):
    """A target whose counter grows by 10 between samples."""

    def read_sample(self) -> Sample:
        number = len(self.samples)
        return Sample(self.now_seconds + number, 0.0, {"reads": 10.0 * number})


class Unreadable(Target):
    """A target whose counters cannot be read."""

    def read_sample(self) -> Sample:
        raise OSError("no")


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Lets go of what hangs, at the end."""
    event = threading.Event()
    yield event
    event.set()


def measuring(measure: Callable[[Any], Any], check_id: str = "X01", **changes: Any) -> Check:
    return make_check(check_id, measure=measure, **changes)


def raising(error: Exception) -> Callable[[Any], Any]:
    def measure(_target: Any) -> Any:
        raise error

    return measure


def target(name: str = "host", kind: type[Target] = Target) -> Target:
    return kind(name, Surroundings())


def test_every_check_runs_on_every_target_of_its_kind_in_order() -> None:
    checks = [
        measuring(lambda _target: [Measurement(5, "a"), Measurement(15, "b")]),
        measuring(lambda _target: [Measurement(25)], "X02", target=Counting),
    ]
    found = run_checks(checks, [target("one"), target("two", Counting)], UNHURRIED)
    assert [(finding.id, finding.target, finding.item, finding.severity) for finding in found] == [
        ("X01", "one", "a", "ok"),
        ("X01", "one", "b", "warning"),
        ("X01", "two", "a", "ok"),
        ("X01", "two", "b", "warning"),
        ("X02", "two", "", "critical"),
    ]


@pytest.mark.parametrize(
    ("error", "severity", "text"),
    [
        (UnmeasurableError("nobody answers"), "unknown", "nobody answers"),
        (NotApplicableError("there is none"), "skipped", "there is none"),
        (LifeboatError("It is gone.", "redis_unavailable"), "unknown", "It is gone."),
        (ValueError("row of a customer"), "unknown", "the check itself failed: ValueError in line"),
    ],
)
def test_what_a_check_raises_is_its_finding(error: Exception, severity: str, text: str) -> None:
    checks = [measuring(raising(error)), measuring(lambda _target: [Measurement(1)], "X02")]
    failed, other = run_checks(checks, [target()], UNHURRIED)
    assert failed.severity == severity
    assert failed.text.startswith(text)
    assert "customer" not in failed.text
    assert other.severity == "ok"


def test_what_was_measured_before_a_crash_counts() -> None:
    def measure(_target: Any) -> Iterator[Measurement]:
        yield Measurement(1, "first")
        raise RuntimeError

    assert [finding.severity for finding in run_checks([measuring(measure)], [target()], UNHURRIED)] == [
        "ok",
        "unknown",
    ]


def test_more_hanging_checks_than_threads_do_not_keep_the_others(released: threading.Event) -> None:
    hanging = [measuring(lambda _target: released.wait(), f"X{number:02}") for number in range(THREADS * 2)]
    found = run_checks([*hanging, measuring(lambda _target: [Measurement(1)], "X99")], [target()], MIXED)
    assert [finding.text for finding in found[:-1]] == ["no answer within 1 seconds"] * len(hanging)
    assert found[-1].severity == "ok"


def test_answer_that_comes_too_late_is_not_taken(released: threading.Event) -> None:
    all_are_late = threading.Barrier(2 * THREADS, action=lambda: answer.set())
    answer = threading.Event()

    def measure(_target: Any) -> Iterator[Measurement]:
        answer.wait()
        yield Measurement(1)

    def hang(_target: Any) -> Any:
        all_are_late.wait()
        released.wait()

    late = [measuring(measure, f"X{number:02}") for number in range(THREADS)]
    # The last of these is reached when all late ones were given up, as two threads take the place of each.
    hanging = [measuring(hang, f"Y{number:02}") for number in range(2 * THREADS)]
    found = run_checks([*late, *hanging], [target()], QUICK)
    assert {finding.severity for finding in found} == {"unknown"}


def test_what_a_check_found_before_it_hung_is_kept(released: threading.Event) -> None:
    def measure(_target: Any) -> Iterator[Measurement]:
        yield Measurement(1, "first")
        released.wait()

    first, last = run_checks([measuring(measure)], [target()], MIXED)
    assert (first.item, first.value) == ("first", 1)
    assert last.severity == "unknown"


def test_checks_that_hang_by_the_hundred_leave_the_others_their_turn(released: threading.Event) -> None:
    hanging = [measuring(lambda _target: released.wait(), f"X{number:03}") for number in range(15 * THREADS)]
    healthy = measuring(lambda _target: [Measurement(1)], "Y001")
    # One after the other, those that hang would take 15 times the deadline.
    options = RunOptions(sample_seconds=0, deadline_seconds=0.5, timeout_seconds=7)
    assert run_checks([*hanging, healthy], [target()], options)[-1].value == 1


def test_whole_run_has_a_limit(released: threading.Event) -> None:
    options = RunOptions(sample_seconds=0, deadline_seconds=10, timeout_seconds=0.2)
    hanging = [measuring(lambda _target: released.wait(), f"X{number:02}") for number in range(THREADS + 1)]
    found = run_checks(hanging, [target()], options)
    assert {finding.text for finding in found} == {"not reached within the run's 0.2 seconds"}
    assert {finding.severity for finding in found} == {"unknown"}


def test_sampled_checks_see_two_samples() -> None:
    def measure(counting: Counting) -> Iterator[Measurement]:
        yield Measurement(counting.rates.increase("reads"))

    check = measuring(measure, target=Counting, is_sampled=True)
    options = RunOptions(sample_seconds=0.05, deadline_seconds=60)
    (finding,) = run_checks([check], [target(kind=Counting)], options)
    assert finding.value == 10
    (alone,) = run_checks([check], [target(kind=Counting)], UNHURRIED)
    assert alone.severity == "unknown"
    assert "two samples" in alone.text


def test_counters_that_cannot_be_read_make_sampled_checks_unknown() -> None:
    check = measuring(lambda target: [Measurement(target.rates.increase("x"))], is_sampled=True)
    (finding,) = run_checks([check], [target(kind=Unreadable)], UNHURRIED)
    assert (finding.severity, finding.text) == ("unknown", "the counters could not be read")


def test_counters_that_hang_do_not_hang_the_run(released: threading.Event) -> None:
    class Hanging(Target):
        def read_sample(self) -> Sample | None:
            released.wait()
            return None

    check = measuring(lambda _target: [Measurement(1)])
    (finding,) = run_checks([check], [target(kind=Hanging)], MIXED)
    assert finding.severity == "ok"


def test_a_sample_that_comes_too_late_is_left_out(released: threading.Event) -> None:
    class Late(Counting):
        def read_sample(self) -> Sample | None:
            found = super().read_sample()
            released.wait()
            return found

    late = target(kind=Late)
    run_checks([measuring(lambda _target: [Measurement(1)])], [late], QUICK)
    released.set()
    run_checks([measuring(lambda _target: [Measurement(1)])], [late], UNHURRIED)
    assert len(late.samples) == 1


def test_thresholds_of_the_user_judge() -> None:
    options = RunOptions(thresholds={"X01": {"critical": "0"}}, sample_seconds=0, deadline_seconds=60)
    (finding,) = run_checks([measuring(lambda _target: [Measurement(1)])], [target()], options)
    assert (finding.severity, finding.critical) == ("critical", "0")


def test_a_run_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    run_checks([measuring(lambda _target: [Measurement(1)])], [target()], UNHURRIED)
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive()
