"""One run of the checks on this host: find what there is, look at it, judge it, remember it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from .._bench.layout import ROOT, Bench, bench_at, find_benches
from .acceptance import apply_acceptances
from .findings import Finding
from .history import read_history, remember_run
from .options import HealthOptions
from .patience import Patience
from .runner import run_checks
from .targets.discovery import find_targets
from .targets.target import Surroundings, Target


@dataclass(frozen=True)
class Examination:
    """What a run found.

    Attributes:
        at_seconds: When it began, in Unix time.
        seconds: How long it took.
        findings: In the order of the checks' ids and of the targets.
        benches: The folders of the benches that were looked at.
        notes: What could not be looked at or kept, for people.
    """

    at_seconds: float
    seconds: float
    findings: list[Finding]
    benches: list[str]
    notes: list[str]


def examine(options: HealthOptions, surroundings: Surroundings, remember: bool) -> Examination:
    """Run the checks on this host.

    Args:
        options: What to check.
        surroundings: The I/O; its history, settings, state, acceptances and patience are taken from the options.
        remember: Whether the history may be written, if the options ask for it.

    Raises:
        LifeboatError: ``bench_not_found`` when the options name a bench that is not there.
    """
    started = time.monotonic()
    at_seconds = surroundings.now()
    surroundings = replace(
        surroundings,
        history=read_history(options.state_path),
        settings=options.settings,
        state_path=options.state_path,
        acceptances=options.acceptances,
        patience=Patience(options.run.deadline_seconds),
    )
    benches = benches_of(options, surroundings.root)
    notes = _notes(benches)
    targets = find_targets(benches, options.login, surroundings)
    try:
        found = run_checks(options.checks, targets, options.run)
    finally:
        for target in targets:
            target.close()
    today = datetime.fromtimestamp(at_seconds, timezone.utc).date()
    findings = apply_acceptances(found, options.acceptances, today)
    if remember and options.keep_history:
        notes += _remember(options, at_seconds, findings, targets)
    paths = [str(bench.path) for bench in benches]
    return Examination(at_seconds, round(time.monotonic() - started, 3), findings, paths, notes)


def benches_of(options: HealthOptions, root: Path = ROOT) -> list[Bench]:
    """Return the bench that the options name, or those that are found.

    Raises:
        LifeboatError: ``bench_not_found`` when the options name one that is not there.
    """
    return [bench_at(options.bench_path)] if options.bench_path else find_benches(options.search_paths, root)


def _notes(benches: Sequence[Bench]) -> list[str]:
    if not benches:
        return ["No bench was found on this host, so no site, queue or web server was checked. Set bench_path."]
    return [note for bench in benches if (note := _sites_note(bench))]


def _sites_note(bench: Bench) -> str:
    try:
        bench.sites()
    except OSError as error:
        return f"The sites of {bench.path} cannot be listed, so they were not checked: {error.strerror}."
    return ""


def _remember(
    options: HealthOptions, at_seconds: float, findings: Sequence[Finding], targets: Sequence[Target]
) -> list[str]:
    samples = {target.name: target.samples[-1] for target in targets if target.samples}
    try:
        remember_run(options.state_path, at_seconds, findings, samples)
    except OSError as error:
        return [f"The history could not be kept in {options.state_path}: {error.strerror}."]
    return []
