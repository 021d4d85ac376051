"""Every check there is: importing a subject file enters its checks into the registry."""

from __future__ import annotations

from . import subjects  # noqa: F401 (each file below it is imported here, by name, so that Ansible ships it)
from .registry import REGISTRY, Check


def all_checks() -> list[Check]:
    """Return the checks, ordered by id."""
    return [REGISTRY[check_id] for check_id in sorted(REGISTRY)]
