"""All facts of a host in one pass: each part is read beside the others, and one that fails hides no other."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Callable

from .._checks.examination import benches_of
from .._checks.options import HealthOptions
from .._checks.registry import UnmeasurableError
from .._checks.targets.bench import BenchTarget
from .._checks.targets.database_server import DatabaseServer
from .._checks.targets.discovery import find_targets
from .._checks.targets.host import Host
from .._checks.targets.redis_instance import RedisInstance
from .._checks.targets.site import SiteTarget
from .._checks.targets.target import Surroundings, Target
from .._system.errors import LifeboatError
from .databases import database_facts, database_sizes, database_software, database_values
from .peers import bench_values, kernel_values, redis_values
from .sites import backup_facts, bench_facts, rehearsal_facts
from .software import bench_software, host_software, redis_software, system_facts

# Most parts wait for a server or a disk.
THREADS = 8
# A disk or a mount that does not answer must not keep the rest.
TIMEOUT_SECONDS = 60.0
Reader = Callable[[Any], Any]
# By the class of a target, what is read of it: the fact that it goes into, and how. A list adds to the fact.
READERS: dict[type, tuple[tuple[str, Reader], ...]] = {
    Host: (("system", system_facts), ("software", host_software), ("peers", kernel_values)),
    DatabaseServer: (
        ("databases", database_facts),
        ("sizes", database_sizes),
        ("software", database_software),
        ("peers", database_values),
    ),
    RedisInstance: (("software", redis_software), ("peers", redis_values)),
    BenchTarget: (("software", bench_software), ("peers", bench_values)),
    SiteTarget: (("backups", backup_facts), ("rehearsals", rehearsal_facts)),
}
LISTS = ("software", "benches", "databases", "sizes", "backups", "rehearsals", "peers", "problems")


@dataclass
class _Part:
    """One thing to read; it has ended once it has a value or a problem."""

    fact: str
    target_name: str
    read: Callable[[], Any]
    value: Any = None
    problem: str = f"it did not answer within {TIMEOUT_SECONDS:g} seconds"


def gather_facts(
    options: HealthOptions, surroundings: Surroundings, timeout_seconds: float = TIMEOUT_SECONDS
) -> dict[str, Any]:
    """Return the facts of this host, as JSON can hold them.

    Args:
        options: Which benches, and how an administrator reaches the database server.
        surroundings: The I/O.
        timeout_seconds: How long all parts together may take.

    Returns:
        ``system``, and the lists ``LISTS``; ``problems`` has the ``part`` and ``reason`` of what could not be read.

    Raises:
        LifeboatError: ``bench_not_found`` when the options name a bench that is not there.
    """
    targets = find_targets(benches_of(options, surroundings.root), options.login, surroundings)
    parts = [
        _Part(fact, target.name, partial(reader, target))
        for target in targets
        for fact, reader in READERS.get(type(target), ())
    ]
    parts += [_Part("benches", bench.name, partial(bench_facts, bench, sites)) for bench, sites in _sites_of(targets)]
    _read_all(parts, timeout_seconds)
    for target in targets:
        target.close()
    facts: dict[str, Any] = {"system": {}, **{name: [] for name in LISTS}}
    for part in parts:
        if part.problem:
            facts["problems"].append({"part": f"{part.fact} of {part.target_name}", "reason": part.problem})
        elif isinstance(part.value, list):
            facts[part.fact] += part.value
        else:
            facts[part.fact] = part.value
    return facts


def _sites_of(targets: Sequence[Target]) -> Iterable[tuple[BenchTarget, list[SiteTarget]]]:
    sites = [target for target in targets if isinstance(target, SiteTarget)]
    benches = [target for target in targets if isinstance(target, BenchTarget)]
    return [(bench, [site for site in sites if site.bench is bench]) for bench in benches]


def _read_all(parts: Iterable[_Part], timeout_seconds: float) -> None:
    """Read parts side by side; one that hangs stays behind in its thread, which ends with the process."""
    waiting: SimpleQueue[_Part] = SimpleQueue()
    for part in parts:
        waiting.put(part)

    def work() -> None:
        with suppress(Empty):
            while True:
                part = waiting.get_nowait()
                part.value, part.problem = _read_part(part)

    threads = [Thread(target=work, daemon=True) for _number in range(THREADS)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + timeout_seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))


def _read_part(part: _Part) -> tuple[Any, str]:
    try:
        return part.read(), ""
    except UnmeasurableError as reason:
        return None, str(reason)
    except LifeboatError as error:
        return None, error.message
    except OSError as error:
        return None, error.strerror or type(error).__name__
    except Exception as error:
        # Its text may quote a row or a secret: its class says enough.
        return None, f"reading it failed: {type(error).__name__}"
