"""All facts of a host in one pass: each part is read beside the others, and one that fails hides no other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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


def gather_facts(options: HealthOptions, surroundings: Surroundings) -> dict[str, Any]:
    """Return the facts of this host, as JSON can hold them.

    Args:
        options: Which benches, and how an administrator reaches the database server.
        surroundings: The I/O.

    Returns:
        ``system``, and the lists ``LISTS``; ``problems`` has the ``part`` and ``reason`` of what could not be read.

    Raises:
        LifeboatError: ``bench_not_found`` when the options name a bench that is not there.
    """
    targets = find_targets(benches_of(options, surroundings.root), options.login, surroundings)
    facts: dict[str, Any] = {"system": {}, **{name: [] for name in LISTS}}
    work = [
        (name, target.name, partial(reader, target))
        for target in targets
        for name, reader in READERS.get(type(target), ())
    ]
    work += [("benches", bench.name, partial(bench_facts, bench, sites)) for bench, sites in _sites_of(targets)]
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            for (name, target_name, _read), (value, problem) in zip(work, pool.map(_read_part, work)):
                if problem:
                    facts["problems"].append({"part": f"{name} of {target_name}", "reason": problem})
                elif isinstance(value, list):
                    facts[name] += value
                else:
                    facts[name] = value
    finally:
        for target in targets:
            target.close()
    return facts


def _sites_of(targets: Sequence[Target]) -> Iterable[tuple[BenchTarget, list[SiteTarget]]]:
    sites = [target for target in targets if isinstance(target, SiteTarget)]
    benches = [target for target in targets if isinstance(target, BenchTarget)]
    return [(bench, [site for site in sites if site.bench is bench]) for bench in benches]


def _read_part(work: tuple[str, str, Callable[[], Any]]) -> tuple[Any, str]:
    try:
        return work[2](), ""
    except UnmeasurableError as reason:
        return None, str(reason)
    except LifeboatError as error:
        return None, error.message
    except OSError as error:
        return None, error.strerror or type(error).__name__
    except Exception as error:
        # Its text may quote a row or a secret: its class says enough.
        return None, f"reading it failed: {type(error).__name__}"
