"""Every check there is: importing a subject file enters its checks into the registry."""

from __future__ import annotations

from .registry import REGISTRY, Check

# By name, one a line, so that Ansible ships each.
from .subjects import (  # noqa: F401
    acceptances,
    host_disk,
    host_files,
    host_journal,
    host_kernel,
    host_load,
    host_memory,
    host_network,
    host_pressure,
    host_restarts,
    host_storage,
    host_time,
    host_units,
    host_updates,
)


def all_checks() -> list[Check]:
    """Return the checks, ordered by id."""
    return [REGISTRY[check_id] for check_id in sorted(REGISTRY)]
