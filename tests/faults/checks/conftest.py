"""Targets on the embedded lab for the faults of the checks.

Every fixture is a function that makes a new target, because a target keeps what it read: make one for each look. Its
keyword arguments are fields of ``Surroundings``, as ``root``, ``runner``, ``now``, ``history`` and ``settings``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, TypeVar

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.database_server import DatabaseServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.discovery import find_targets
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import HOST_NAME, Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.redis_instance import RedisInstance
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.site import SiteTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings, Target

from tests.check_runs import LONG_PATIENCE
from tests.lab import Lab

Found = TypeVar("Found", bound=Target)
TargetFinder = Callable[..., list[Target]]


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    """This host as it is, without a history and with an empty state."""
    return Surroundings(patience=LONG_PATIENCE, state_path=tmp_path / "state")


@pytest.fixture
def host_target(surroundings: Surroundings) -> Callable[..., Host]:
    """Make the target of this host, or with ``root=folder`` of one that is made of files."""
    return lambda **changes: Host(HOST_NAME, replace(surroundings, **changes))


@pytest.fixture
def lab_targets(lab: Lab, surroundings: Surroundings) -> Iterator[TargetFinder]:
    """Find every target of the lab anew."""
    made: list[Target] = []

    def find(**changes: Any) -> list[Target]:
        found = find_targets([Bench(lab.bench_path)], lab.login, replace(surroundings, **changes))
        made.extend(found)
        return found

    yield find
    for target in made:
        target.close()


@pytest.fixture
def server_target(lab_targets: TargetFinder) -> Callable[..., DatabaseServer]:
    """Make the target of the lab's database server, read by its administrator."""
    return lambda **changes: _only(lab_targets(**changes), DatabaseServer)


@pytest.fixture
def bench_target(lab_targets: TargetFinder) -> Callable[..., BenchTarget]:
    """Make the target of the lab's bench."""
    return lambda **changes: _only(lab_targets(**changes), BenchTarget)


@pytest.fixture
def site_target(lab_targets: TargetFinder) -> Callable[..., SiteTarget]:
    """Make the target of a site of the lab: ``site_target("alpha.localhost")``."""
    return lambda name, **changes: _only(
        [target for target in lab_targets(**changes) if target.name == name], SiteTarget
    )


@pytest.fixture
def redis_target(lab_targets: TargetFinder) -> Callable[..., RedisInstance]:
    """Make the target of the lab's Redis server for a role: ``redis_target("queue")``."""

    def make(role: str, **changes: Any) -> RedisInstance:
        instances = [target for target in lab_targets(**changes) if isinstance(target, RedisInstance)]
        return _only([instance for instance in instances if role in instance.roles], RedisInstance)

    return make


def _only(targets: list[Any], kind: type[Found]) -> Found:
    (target,) = [target for target in targets if isinstance(target, kind)]
    return target
