"""Runs checks side by side, each within its deadline; what hangs or crashes is that check's ``unknown``."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from .._system.errors import LifeboatError
from .findings import SKIPPED, UNKNOWN, Finding, finding_without_value, judge, thresholds_of
from .patience import USUAL
from .rates import Sample
from .registry import Check, NotApplicableError, UnmeasurableError
from .targets.target import Target

# Most checks wait for a server: a few threads keep two cores busy without a crowd of connections.
THREADS = 8
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class RunOptions:
    """How checks are run.

    Attributes:
        thresholds: By check id, the user's ``warning`` and ``critical`` range.
        sample_seconds: The time between the two samples; 0 compares with the last run alone.
        deadline_seconds: What one check may take on one target.
        timeout_seconds: What the whole run may take, the time between the samples included.
    """

    thresholds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sample_seconds: float = 1.0
    deadline_seconds: float = USUAL.deadline_seconds
    timeout_seconds: float = 60.0


@dataclass
class _Job:
    check: Check
    target: Target
    started_at: float | None = None
    findings: list[Finding] = field(default_factory=list)
    is_ended: bool = False


def run_checks(checks: Iterable[Check], targets: Sequence[Target], options: RunOptions) -> list[Finding]:
    """Run every check on every target of its kind, and judge what it measured.

    Two samples of each target's counters are taken, ``sample_seconds`` apart; checks that need none run meanwhile.

    Returns:
        The findings, in the order of the checks and the targets.
    """
    end = time.monotonic() + options.timeout_seconds
    jobs = [_Job(check, target) for check in checks for target in targets if isinstance(target, check.target)]
    first_sample = time.monotonic()
    _take_samples(targets, options, end)
    _Workers([job for job in jobs if not job.check.is_sampled], options, end).run()
    sampled_jobs = [job for job in jobs if job.check.is_sampled]
    if sampled_jobs and options.sample_seconds:
        time.sleep(max(0.0, min(first_sample + options.sample_seconds, end) - time.monotonic()))
        _take_samples(targets, options, end)
    _Workers(sampled_jobs, options, end).run()
    return [finding for job in jobs for finding in job.findings]


def _take_samples(targets: Sequence[Target], options: RunOptions, end: float) -> None:
    taken: dict[int, Sample] = {}

    def take(number: int, target: Target) -> None:
        # A target that cannot be read has no sample: that makes its sampled checks unknown.
        with suppress(Exception):
            sample = target.read_sample()
            if sample is not None:
                taken[number] = sample

    threads = [threading.Thread(target=take, args=pair, daemon=True) for pair in enumerate(targets)]
    for thread in threads:
        thread.start()
    limit = min(end, time.monotonic() + options.deadline_seconds)
    for thread in threads:
        thread.join(max(0.0, limit - time.monotonic()))
    # One that comes later is left out: it would end up behind the next, and rates would run backwards.
    for number, sample in sorted(taken.copy().items()):
        targets[number].samples.append(sample)


class _Workers:
    """A few threads that run jobs; where a job hangs, another thread takes the place of its thread."""

    def __init__(self, jobs: Sequence[_Job], options: RunOptions, end: float) -> None:
        self._jobs = jobs
        self._options = options
        self._end = end
        self._waiting: SimpleQueue[_Job] = SimpleQueue()
        for job in jobs:
            self._waiting.put(job)

    def run(self) -> None:
        """Run all jobs to their end, or until their time is up."""
        for _number in range(min(THREADS, len(self._jobs))):
            self._start_thread()
        while open_jobs := [job for job in self._jobs if not job.is_ended]:
            now = time.monotonic()
            for job in open_jobs:
                self._give_up_if_late(job, now)
            time.sleep(POLL_SECONDS)

    def _start_thread(self) -> None:
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        with suppress(Empty):
            while time.monotonic() < self._end:
                job = self._waiting.get_nowait()
                job.started_at = time.monotonic()
                for finding in _findings_of(job, self._options):
                    if job.is_ended:
                        return  # it was given up, and this thread replaced
                    job.findings.append(finding)
                job.is_ended = True

    def _give_up_if_late(self, job: _Job, now: float) -> None:
        deadline_seconds = self._options.deadline_seconds
        is_late = job.started_at is not None and now > job.started_at + deadline_seconds
        if is_late:
            reason = f"no answer within {deadline_seconds:g} seconds"
        elif now > self._end:
            reason = f"not reached within the run's {self._options.timeout_seconds:g} seconds"
        else:
            return
        # What it found before it got stuck (the other mounts, say) stays.
        job.is_ended = True
        job.findings = [*job.findings, _without_value(job, self._options, UNKNOWN, reason)]
        if is_late:
            # Two for one: where hundreds of checks hang, the others still have their turn within the run's time.
            self._start_thread()
            self._start_thread()


def _findings_of(job: _Job, options: RunOptions) -> Iterator[Finding]:
    thresholds = thresholds_of(job.check, options.thresholds)
    try:
        for measurement in job.check.measure(job.target):
            yield judge(job.check, job.target.name, measurement, thresholds)
    except NotApplicableError as reason:
        yield _without_value(job, options, SKIPPED, str(reason))
    except UnmeasurableError as reason:
        yield _without_value(job, options, UNKNOWN, str(reason))
    except LifeboatError as error:
        yield _without_value(job, options, UNKNOWN, error.message)
    except Exception as error:
        # A crash of one check must not hide what the others found. Its text may quote a row or a secret: its class and
        # place say enough.
        yield _without_value(job, options, UNKNOWN, f"the check itself failed: {type(error).__name__}{_place(error)}")


def _without_value(job: _Job, options: RunOptions, severity: str, reason: str) -> Finding:
    thresholds = thresholds_of(job.check, options.thresholds)
    return finding_without_value(job.check, job.target.name, severity, reason, thresholds)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" in line {trace.tb_lineno} of {trace.tb_frame.f_code.co_name}" if trace is not None else ""
