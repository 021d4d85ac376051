"""What a run costs: seconds, the server's CPU seconds, and the memory of our processes; and whether that is enough."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "benchmark"
SAMPLE_SECONDS = 0.5
KIB = 1024
MEGABYTE = 1_000_000
# Whether each target was reached, and what to print of it.
Targets = tuple[tuple[bool, str], ...]


@contextmanager
def told(what: str) -> Iterator[None]:
    """Print what is done, and how long it took."""
    began = time.monotonic()
    print(f"{what} ...", end=" ", flush=True)
    yield
    print(f"{time.monotonic() - began:.0f} s", flush=True)


def print_targets(targets: Targets) -> bool:
    """Print each target and whether it was reached; tell whether all were."""
    print()
    for reached, text in targets:
        print(f"{'reached' if reached else 'NOT reached':13}{text}")
    return all(reached for reached, _text in targets)


@dataclass
class Cost:
    """Wall seconds and the server's CPU seconds of a run; complete when the run is over."""

    seconds: float = 0.0
    server_cpu_seconds: float = 0.0


@contextmanager
def cost_of_server(process_id: int) -> Iterator[Cost]:
    """Measure the seconds of a block and the CPU seconds of a server meanwhile."""
    cost = Cost()
    cpu_before, began = _cpu_seconds(process_id), time.monotonic()
    yield cost
    cost.seconds = time.monotonic() - began
    cost.server_cpu_seconds = _cpu_seconds(process_id) - cpu_before


class MemorySampler:
    """Samples the memory of all processes whose command line names a module; ``peak_bytes`` is the largest sum.

    A page that several of them share is counted once (the proportional set size of proc(5)).
    """

    def __init__(self, module: str) -> None:
        self.module = module.encode()
        self.peak_bytes = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> MemorySampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(SAMPLE_SECONDS):
            self.peak_bytes = max(self.peak_bytes, sum(self._proportional_bytes()))

    def _proportional_bytes(self) -> Iterator[int]:
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self.module not in (process / "cmdline").read_bytes():
                    continue
                for line in (process / "smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        yield int(line.split()[1]) * KIB


def _cpu_seconds(process_id: int) -> float:
    fields = Path("/proc", str(process_id), "stat").read_text().rpartition(")")[2].split()
    user_ticks, system_ticks = int(fields[11]), int(fields[12])  # fields 14 and 15 of proc(5), counted from 1
    return (user_ticks + system_ticks) / os.sysconf("SC_CLK_TCK")
