"""Every gate of `make test`: what it promises, how it is run, and the runner that reports one line a gate."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, field

from tests.tools.checkout import CACHE, ROOT, link_collection, tool_environment

LOGS = CACHE / "gates"
COVERAGE = CACHE / "coverage"
TAIL_LINES = 40
GRACE_SECONDS = 30.0
PYTEST = ("python", "-m", "pytest", "-q")
MYPY_OF_TESTS = ("mypy", "--python-version", "3.11", "--follow-imports", "silent")
MEASURED = ("--cov", "--cov-report=")
# Not for thousands of short tests: to hand them over costs as much as to run them.
ON_BOTH_CORES = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
ONE_WORKER = ("--num-workers", "1")
# Two processors are busy with that many gates: each of the long ones waits for servers or containers now and then.
AT_ONCE = 3
LONG_SECONDS = 2400


@dataclass(frozen=True)
class Gate:
    """One thing that has to hold: its name (a target of the Makefile), what it promises, what checks it.

    ``after`` names the gates above it in the table whose results it reads.
    """

    name: str
    promise: str
    commands: tuple[tuple[str, ...], ...]
    after: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    limit_seconds: int = 1200


def gate(
    name: str,
    promise: str,
    *commands: tuple[str, ...],
    after: tuple[str, ...] = (),
    limit_seconds: int = 1200,
    **environment: str,
) -> Gate:
    """Write a gate down in one line of the table below."""
    return Gate(name, promise, commands, after, environment, limit_seconds)


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    """Give the command of one of the tools in this folder."""
    return ("python", "-m", f"tests.tools.{name}", *arguments)


# They begin in this order. Quick ones first: whoever broke something sees it within seconds. Then the longest, so that
# none of them is left alone at the end.
GATES: tuple[Gate, ...] = (
    gate("ruff-format", "Python is formatted", ("ruff", "format", "--check", "--diff", ".")),
    gate("ruff", "Python is free of lint", ("ruff", "check", "--output-format", "concise", ".")),
    gate("text", "no registry host, machine path, foreign URL or key in any file", tool("forbidden_text")),
    gate("shellcheck", "shell scripts are free of lint", tool("shell_scripts")),
    gate("yamllint", "YAML is tidy", ("yamllint", "--strict", ".")),
    gate("changelog", "changelog fragments are valid", ("antsibull-changelog", "lint")),
    gate(
        "docs-drift",
        "what is generated from the code says what the code says",
        tool("pages", "--check"),
    ),
    gate("construction", "every part has its tests, documentation and place", (*PYTEST, "tests/construction")),
    gate(
        "docs",
        "the modules' and roles' documentation is valid",
        (
            *("antsibull-docs", "lint-collection-docs", "--plugin-docs"),
            *("--validate-collection-refs", "self", "--disallow-unknown-collection-refs", "."),
        ),
    ),
    gate(
        "mypy",
        "type hints hold, strictly",
        ("mypy", "plugins/module_utils"),
        (*MYPY_OF_TESTS, "tests/tools", "tests/construction", "tests/artifact", "tests/runner"),
    ),
    gate(
        "molecule",
        "hosts with systemd recover their site, twice, and an audit sees their faults come and go",
        ("bash", "tests/tools/molecule.sh", "test", "--all"),
        limit_seconds=LONG_SECONDS,
    ),
    gate(
        "integration",
        "the integration tests pass on real servers and the lab",
        (*PYTEST, *ON_BOTH_CORES, *MEASURED, "tests/integration"),
        COVERAGE_FILE=str(COVERAGE / "integration"),
        limit_seconds=LONG_SECONDS,
    ),
    gate(
        "faults",
        "every promise holds when its fault is injected",
        (*PYTEST, *ON_BOTH_CORES, "tests/faults"),
        limit_seconds=LONG_SECONDS,
    ),
    gate(
        "sanity",
        "ansible-test's sanity tests pass on all that is published (the tests and scenarios are ruff's and yamllint's)",
        tool("ansible_test", "sanity", "--exclude", "tests/", "--exclude", "molecule/"),
        limit_seconds=LONG_SECONDS,
    ),
    gate(
        "unit",
        "the unit tests pass",
        (*PYTEST, *MEASURED, "tests/unit"),
        COVERAGE_FILE=str(COVERAGE / "unit"),
    ),
    gate(
        "ansible-lint",
        "roles and playbooks pass the production profile and more",
        ("ansible-lint", "--offline", "--nocolor"),
    ),
    gate(
        "units",
        "ansible-test finds and imports every unit test, and what Ansible itself loads passes its tests there, too",
        tool("ansible_test", "units", *ONE_WORKER, "--collect-only"),
        tool("ansible_test", "units", *ONE_WORKER, "tests/unit/plugins/modules/", "tests/unit/plugins/lookup/"),
    ),
    gate("runner", "ansible-runner recovers, checks and audits as AWX does", (*PYTEST, "tests/runner")),
    gate("artifact", "the built tarball holds what it should, installs and works alone", (*PYTEST, "tests/artifact")),
    gate("demo", "the demonstration proves what it shows", ("python", "-m", "tests.lab", "demo")),
    gate("importer", "galaxy-importer accepts the built tarball", tool("importer")),
    gate(
        "coverage",
        "unit and integration tests reach 95 % of lines and of branches",
        tool("coverage_floor"),
        after=("unit", "integration"),
    ),
)


RUNNING: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Outcome:
    """What became of a gate."""

    gate: Gate
    passed: bool
    seconds: float
    log: str


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a command that still runs: first so that its tests stop their servers, then whatever is left of its group."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_command(command: tuple[str, ...], environment: dict[str, str], limit_seconds: float, log: int) -> str | None:
    """Run one command with its own process group, which ends with it; say why it failed, or None."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
    RUNNING.add(process)
    try:
        code = process.wait(timeout=limit_seconds)
    except subprocess.TimeoutExpired:
        return f"not done after {limit_seconds:.0f} seconds"
    finally:
        end_group(process)
        RUNNING.discard(process)
    return f"exit code {code}" if code else None


def run_gate(checked: Gate, earlier: Sequence[Future[Outcome]]) -> Outcome:
    """Run a gate's commands into its log, up to the first that fails, once the earlier gates have ended."""
    wait(earlier)
    started = time.monotonic()
    environment = {**tool_environment(), **checked.environment}
    log = LOGS / f"{checked.name}.log"
    reason = None
    with log.open("wb", buffering=0) as stream:
        for command in checked.commands:
            stream.write(f"$ {' '.join(command)}\n".encode())
            left_seconds = checked.limit_seconds - (time.monotonic() - started)
            reason = run_command(command, environment, left_seconds, stream.fileno())
            if reason:
                stream.write(f"{command[0]}: {reason}\n".encode())
                break
    return Outcome(checked, reason is None, time.monotonic() - started, log.read_text(errors="replace"))


def run_gates(chosen: Sequence[Gate]) -> Iterator[Outcome]:
    """Begin the gates in their order, some at the same time; yield each as it ends."""
    pool = ThreadPoolExecutor(max_workers=AT_ONCE)
    outcomes: dict[str, Future[Outcome]] = {}
    for checked in chosen:
        earlier = [outcomes[name] for name in checked.after if name in outcomes]
        outcomes[checked.name] = pool.submit(run_gate, checked, earlier)
    try:
        yield from (outcome.result() for outcome in as_completed(outcomes.values()))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in tuple(RUNNING):
            end_group(process)
        raise


def report(outcome: Outcome) -> None:
    """Print a gate's line: what was counted and skipped when it held, the end of its log when it did not."""
    lines = outcome.log.splitlines()
    counted = [match[1] for line in lines if (match := re.fullmatch(r"=* ?(\d+ passed.*?|\d+ failed.*?) ?=*", line))]
    detail = f" ({counted[-1]})" if counted else ""
    print(f"{'ok  ' if outcome.passed else 'FAIL'} {outcome.seconds:4.0f}s {outcome.gate.name}{detail}", flush=True)
    if outcome.passed:
        shown = [line for line in lines if line.startswith("SKIPPED")]
    else:
        shown = [*lines[-TAIL_LINES:], f"whole log: {(LOGS / outcome.gate.name).relative_to(ROOT)}.log"]
    for line in shown:
        print(f"        {line}", flush=True)


def main() -> int:
    """Run the gates that were named, or all; go on after one that fails; close with the count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="gate", help="which to run; all of them when none is named")
    parser.add_argument("--list", action="store_true", help="list the gates and what they promise")
    options = parser.parse_args()
    known = {known_gate.name: known_gate for known_gate in GATES}
    if options.list:
        for name, known_gate in known.items():
            print(f"  {name:<14} {known_gate.promise}")
        return 0
    if unknown := set(options.names) - set(known):
        parser.error(f"no such gate: {', '.join(sorted(unknown))}")
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background job would inherit that it is ignored
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends what runs, like Ctrl-C
    for folder in (LOGS, COVERAGE):
        folder.mkdir(parents=True, exist_ok=True)
    link_collection()
    outcomes = []
    for outcome in run_gates([known[name] for name in options.names or known]):
        outcomes.append(outcome)
        report(outcome)
    failed = [outcome.gate.name for outcome in outcomes if not outcome.passed]
    if failed:
        print(f"failed: {', '.join(failed)}")
    print(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
