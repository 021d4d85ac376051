"""What all targets share: which two samples rates come from."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.patience import Patience
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Sample
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets import target as target_module
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings, Target
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult


def sample(at_seconds: float, reads: float, started: float = 0.0) -> Sample:
    return Sample(at_seconds, started, {"reads": reads})


def target(*samples: Sample, last_run: Sample | None = None) -> Target:
    kept = {"t": last_run} if last_run else {}
    made = Target("t", Surroundings(history=History(samples=kept), now=lambda: 1000.0))
    made.samples.extend(samples)
    return made


def test_last_run_is_compared_with_where_there_is_one() -> None:
    made = target(sample(1000, 50), sample(1001, 60), last_run=sample(500, 10))
    assert made.rates.increase("reads") == 50
    assert made.rates.seconds == 501


def test_two_samples_of_this_run_do_without_a_last_run_or_after_a_restart() -> None:
    assert target(sample(1000, 50), sample(1001, 60)).rates.increase("reads") == 10
    restarted = target(sample(1000, 5, 900), sample(1001, 8, 900), last_run=sample(500, 10))
    assert restarted.rates.increase("reads") == 3


def test_one_sample_is_enough_with_a_last_run_alone() -> None:
    assert target(sample(1000, 50), last_run=sample(500, 10)).rates.increase("reads") == 40
    with pytest.raises(UnmeasurableError, match="two samples"):
        assert target(sample(1000, 50)).rates
    with pytest.raises(UnmeasurableError, match="could not be read"):
        assert target().rates


def test_target_without_counters_has_no_sample_and_nothing_to_close() -> None:
    made = target()
    assert made.read_sample() is None
    assert made.now_seconds == 1000.0
    made.close()


def test_program_is_waited_for_as_long_as_the_deadline_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def run_command(arguments: Sequence[str], timeout_seconds: float) -> CommandResult:
        waited.append(timeout_seconds)
        return CommandResult(tuple(arguments), 0, "", "")

    monkeypatch.setattr(target_module, "run_command", run_command)
    for surroundings in (Surroundings(), Surroundings(patience=Patience(30))):
        assert surroundings.run(["node", "--version"]).arguments == ("node", "--version")
    assert waited == [2.5, 25]
    double = Surroundings(runner=lambda arguments: CommandResult(tuple(arguments), 7, "", ""))
    assert double.run(["node"]).exit_code == 7
