"""All rules of the cleanup, and which of them are on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._system.errors import LifeboatError
from .._system.quantities import DAY_SECONDS
from .choice import Age
from .registry import Rule
from .rules.apt_cache import APT_CACHE
from .rules.archived_sites import ARCHIVED_SITES
from .rules.backup_sets import BACKUP_SETS
from .rules.caches import PACKAGE_CACHES
from .rules.container_images import CONTAINER_IMAGES
from .rules.failed_jobs import FAILED_JOBS
from .rules.journal import JOURNAL
from .rules.log_tables import LOG_TABLES
from .rules.logs import BENCH_LOGS, SITE_LOGS
from .rules.orphaned_files import ORPHANED_FILES
from .rules.sessions import SESSIONS
from .rules.site_cache import SITE_CACHE
from .rules.stale_jobs import STALE_JOBS
from .rules.temporary_files import TEMPORARY_FILES
from .rules.tool_caches import TOOL_CACHES
from .tasks import TaskRule

RULES: tuple[Rule, ...] = (BENCH_LOGS, PACKAGE_CACHES, SITE_LOGS)
TASK_RULES: dict[str, TaskRule] = {
    rule.id: rule
    for rule in (
        APT_CACHE,
        ARCHIVED_SITES,
        BACKUP_SETS,
        CONTAINER_IMAGES,
        FAILED_JOBS,
        JOURNAL,
        LOG_TABLES,
        ORPHANED_FILES,
        SESSIONS,
        SITE_CACHE,
        STALE_JOBS,
        TEMPORARY_FILES,
        TOOL_CACHES,
    )
}
SETTINGS = ("older_than_days", "keep_newest")


def chosen_ages(settings: Mapping[str, Any]) -> dict[str, Age]:
    """Return the rules of files that are on, and from which age their files may go.

    Args:
        settings: Ids of rules, each with an object of ``older_than_days`` and ``keep_newest``, or with nothing.

    Raises:
        LifeboatError: ``rule_invalid`` when there is no such rule or setting, or one is no number from 0 on.
    """
    known = {rule.id: rule for rule in RULES}
    return {
        rule: _age(rule, known.get(rule), values or {}) for rule, values in settings.items() if rule not in TASK_RULES
    }


def chosen_tasks(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rules that are on and go by their own means, each with its settings.

    Args:
        settings: As those of ``chosen_ages``; each of these rules has settings of its own.

    Raises:
        LifeboatError: ``rule_invalid``.
    """
    chosen = {}
    for name, values in settings.items():
        if name in TASK_RULES:
            if not isinstance(values or {}, Mapping):
                raise _invalid(name, "its settings are an object")
            try:
                chosen[name] = TASK_RULES[name].settings(values or {})
            except ValueError as error:
                raise _invalid(name, str(error)) from None
    return chosen


def noun_of(rule: str) -> str:
    """Return what one thing is that a rule takes away."""
    return TASK_RULES[rule].noun if rule in TASK_RULES else "file"


def _age(name: str, rule: Rule | None, values: Any) -> Age:
    if rule is None:
        raise _invalid(
            name, f"there is no such rule; there are {', '.join([*(rule.id for rule in RULES), *TASK_RULES])}"
        )
    if not isinstance(values, Mapping) or set(values) - set(SETTINGS):
        raise _invalid(name, f"a rule takes {' and '.join(SETTINGS)}")
    try:
        days = float(values.get("older_than_days", rule.age.older_than_seconds / DAY_SECONDS))
        newest = int(values.get("keep_newest", rule.age.keep_newest))
    except (TypeError, ValueError):
        raise _invalid(name, f"{' and '.join(SETTINGS)} are numbers") from None
    if days < 0 or newest < 0:
        raise _invalid(name, f"{' and '.join(SETTINGS)} are not less than 0")
    return Age(int(days * DAY_SECONDS), newest)


def _invalid(name: str, why: str) -> LifeboatError:
    return LifeboatError(f"Cannot use the rule {name} of the cleanup: {why}.", "rule_invalid", {"rule": name})
