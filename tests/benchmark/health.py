"""What the checks of many hosts cost: one module call a host, against a playbook with one task for each check."""

from __future__ import annotations

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.catalogue import all_checks

from tests.lab import BackupFiles, Lab
from tests.lab.playbook import ROOT

from .fleet import Rendering, measure_rendering
from .measure import FOLDER, KIB, MEGABYTE, Targets, print_targets, told

SITE = "alpha.localhost"
HERE = Path(__file__).resolve().parent
OURS = HERE / "playbooks" / "one_module_call.yml"
CONTENDER = HERE / "playbooks" / "one_task_per_check.yml"
FORKS = 5  # Ansible's default
RUNS_ALONE = 5
SAMPLE_SECONDS, NO_SAMPLE_SECONDS = 1.0, 0.05
# The targets that the README claims.
FEWER_ROUND_TRIPS = 10
LESS_TIME = 5
SECONDS_ALONE = 2.0
MEMORY_MEGABYTES = 150
RENDERING_SECONDS = 20
RENDERING_MEGABYTES = 500


@dataclass(frozen=True)
class PlaybookCost:
    """What a playbook cost over all its hosts.

    Attributes:
        hosts: How many there were.
        seconds: The whole command.
        module_costs: For each module that ran: its CPU seconds, seconds, and peak memory in KiB.
        cpu_seconds: Of the command and all that it started, modules included: hosts are local here.
        trips: How many modules ran on all hosts together.
        returned_bytes: What they returned, as JSON.
        severities: How many findings there were, by severity; empty for a playbook that has none.
    """

    hosts: int
    seconds: float
    module_costs: tuple[dict[str, float], ...]
    cpu_seconds: float
    trips: int
    returned_bytes: int
    severities: dict[str, int]

    @property
    def controller_cpu_seconds(self) -> float:
        """CPU seconds of Ansible itself, of each host."""
        return (self.cpu_seconds - sum(cost["cpu_seconds"] for cost in self.module_costs)) / self.hosts

    @property
    def trips_of_host(self) -> float:
        """Round trips to each host."""
        return self.trips / self.hosts

    @property
    def seconds_of_host(self) -> float:
        """The command's seconds, of each host."""
        return self.seconds / self.hosts


def run(hosts: int, contender_hosts: int, fleet: int) -> bool:
    """Measure everything, print the table, and tell whether every target was reached."""
    with Lab(FOLDER / "lab", sites=(SITE,)) as lab:
        backup = lab.backup(SITE)
        with told(f"checking one host with one module call, {RUNS_ALONE} times"):
            alone = [_run_playbook(lab, backup, OURS, 1, NO_SAMPLE_SECONDS) for _run in range(RUNS_ALONE)]
        with told(f"checking {hosts} hosts with one module call each"):
            ours = _run_playbook(lab, backup, OURS, hosts, SAMPLE_SECONDS)
        with told(f"checking {contender_hosts} hosts with one task for each check"):
            contender = _run_playbook(lab, backup, CONTENDER, contender_hosts, SAMPLE_SECONDS)
    with told(f"rendering the reports of {fleet} hosts"):
        rendering = measure_rendering(hosts=fleet)
    _print_table(ours, contender)
    return print_targets(_targets(ours, contender, alone, rendering, fleet))


def _run_playbook(lab: Lab, backup: BackupFiles, playbook: Path, hosts: int, sample_seconds: float) -> PlaybookCost:
    inventory, costs, trips = FOLDER / "hosts", FOLDER / "costs.jsonl", FOLDER / "trips.json"
    inventory.write_text(f"host[1:{hosts}] ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    costs.unlink(missing_ok=True)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "round_trips",
        "ANSIBLE_PIPELINING": "true",
        "LIFEBOAT_BENCHMARK_COSTS": str(costs),
        "LIFEBOAT_BENCHMARK_TRIPS": str(trips),
        "PYTHONPATH": str(HERE / "hooks"),
    }
    variables = json.dumps(_variables(lab, backup, sample_seconds))
    program = str(Path(sys.prefix, "bin", "ansible-playbook"))
    command = [program, str(playbook), "-i", str(inventory), "-f", str(FORKS), "-e", variables]
    with (FOLDER / "playbook.log").open("wb") as log:
        cpu_before, began = _cpu_seconds_of_children(), time.monotonic()
        subprocess.run(command, cwd=ROOT, env=environment, stdout=log, stderr=log, check=False)
        seconds, cpu_seconds = time.monotonic() - began, _cpu_seconds_of_children() - cpu_before
    counted = json.loads(trips.read_text())
    if len(counted["trips"]) != hosts:
        raise RuntimeError(f"{playbook.name} did not reach all hosts:\n{_log_end()}")
    return PlaybookCost(
        hosts=hosts,
        seconds=seconds,
        module_costs=tuple(json.loads(line) for line in costs.read_text().splitlines()),
        cpu_seconds=cpu_seconds,
        trips=sum(counted["trips"].values()),
        returned_bytes=counted["bytes"],
        severities=counted["severities"],
    )


def _log_end() -> str:
    return (FOLDER / "playbook.log").read_text()[-4000:]


def _variables(lab: Lab, backup: BackupFiles, sample_seconds: float) -> dict[str, Any]:
    configuration = lab.site_config(SITE)
    return {
        "benchmark_backup": str(backup.database),
        "benchmark_bench_path": str(lab.bench_path),
        "benchmark_config_file": str(lab.mariadb.option_file),
        "benchmark_database": configuration["db_name"],
        "benchmark_database_password": configuration["db_password"],
        "benchmark_queue_prefix": lab.bench_id,
        "benchmark_redis_cache": lab.redis_cache_url,
        "benchmark_redis_queue": lab.redis_queue_url,
        "benchmark_sample_seconds": sample_seconds,
        "benchmark_site": SITE,
        "benchmark_site_path": str(lab.site_path(SITE)),
        "benchmark_socket": str(lab.mariadb.socket),
        "benchmark_state_path": str(lab.state_path),
        "benchmark_web_port": lab.web_port,
    }


def _cpu_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _checks_of_contender() -> int:
    """Count the checks that the contender's tasks bear in their names."""
    return sum(len(re.findall(r"\b[A-Z]\d{2}\b", name)) for name in re.findall(r"- name: (.*)", CONTENDER.read_text()))


def _print_table(ours: PlaybookCost, contender: PlaybookCost) -> None:
    print(
        f"\n{FORKS} forks; local connections, so hosts and Ansible share the cores of this machine.\n"
        f"One module call: {ours.hosts} hosts, {len(all_checks())} checks, {ours.seconds:.0f} s in all; "
        f"{ours.severities['unknown'] / ours.hosts:.1f} of {sum(ours.severities.values()) / ours.hosts:.0f} findings "
        f"of a host unknown.\n"
        f"One task for each check: {_checks_of_contender()} checks, all that such modules can tell in a task, on "
        f"{contender.hosts} hosts, {contender.seconds:.0f} s in all.\n"
    )
    print(f"{'for each host':40}{'one module call':>18}{'a task per check':>18}{'ratio':>10}")
    rows = (
        ("round trips", ours.trips_of_host, contender.trips_of_host, ".0f"),
        ("seconds (wall, all hosts / hosts)", ours.seconds_of_host, contender.seconds_of_host, ".2f"),
        ("CPU seconds of Ansible", ours.controller_cpu_seconds, contender.controller_cpu_seconds, ".2f"),
        ("CPU seconds in all", ours.cpu_seconds / ours.hosts, contender.cpu_seconds / contender.hosts, ".2f"),
        ("bytes returned", ours.returned_bytes / ours.hosts, contender.returned_bytes / contender.hosts, ",.0f"),
    )
    for name, own, other, form in rows:
        print(f"{name:40}{own:>18{form}}{other:>18{form}}{other / own:>9.1f}x")


def _targets(
    ours: PlaybookCost, contender: PlaybookCost, alone: list[PlaybookCost], rendering: Rendering, fleet: int
) -> Targets:
    trips = contender.trips_of_host / ours.trips_of_host
    time_ratio = contender.seconds_of_host / ours.seconds_of_host
    seconds = statistics.median(run.module_costs[0]["seconds"] for run in alone)
    memory = max(cost["peak_kib"] for run in (*alone, ours) for cost in run.module_costs) * KIB / MEGABYTE
    rendering_memory = rendering.peak_bytes / MEGABYTE
    return (
        (trips >= FEWER_ROUND_TRIPS, f"fewer round trips: {trips:.0f} times (target: {FEWER_ROUND_TRIPS} or more)"),
        (time_ratio >= LESS_TIME, f"less wall time: {time_ratio:.1f} times (target: {LESS_TIME} or more)"),
        (
            seconds < SECONDS_ALONE,
            f"the module alone, one host, without the sampling interval: {seconds:.2f} s, the median of {RUNS_ALONE} "
            f"(target: less than {SECONDS_ALONE:g} s)",
        ),
        (
            memory < MEMORY_MEGABYTES,
            f"peak memory of the module: {memory:.0f} MB (target: less than {MEMORY_MEGABYTES} MB)",
        ),
        (
            rendering.seconds < RENDERING_SECONDS,
            f"reports of {fleet} hosts with 100 findings each: {rendering.seconds:.1f} s (target: less than "
            f"{RENDERING_SECONDS} s)",
        ),
        (
            rendering_memory < RENDERING_MEGABYTES,
            f"peak memory of that: {rendering_memory:.0f} MB (target: less than {RENDERING_MEGABYTES} MB)",
        ),
    )
