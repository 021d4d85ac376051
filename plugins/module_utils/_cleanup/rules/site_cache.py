"""What Frappe keeps of a site in the Redis cache and can make again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._bench.apps import persistent_cache_keys
from ..._bench.configuration import database_address, read_configuration, redis_addresses
from ..._bench.layout import Site
from ..._queue.cache import LASTING_KEYS, count_site_keys, delete_site_keys
from ..._system.errors import LifeboatError
from ..site_database import site_of, sites_of
from ..tasks import DONE, Planned, Refusal, Task, TaskContext, TaskOutcome, TaskRule

ID = "site_cache"


@dataclass(frozen=True)
class CacheSettings:
    """The sites whose keys go: a site is slower until it has made them again, so none is meant without its name."""

    sites: tuple[str, ...]


def _settings(values: Mapping[str, Any]) -> CacheSettings:
    sites = values.get("sites")
    if set(values) != {"sites"} or not isinstance(sites, Sequence) or isinstance(sites, str):
        raise ValueError("it takes sites, a list of the sites whose keys go")
    return CacheSettings(tuple(map(str, sites)))


def _plan(context: TaskContext, settings: CacheSettings) -> Iterator[Planned]:
    for site in sites_of(context.benches):
        if site.name in settings.sites:
            yield from _site_task(site)


def _site_task(site: Site) -> Iterator[Planned]:
    try:
        count = count_site_keys(*_keys_of(site), _kept_of(site))
    except LifeboatError as error:
        yield Refusal(ID, site.name, error.error_code, error.message)
        return
    if count:
        yield Task(
            rule=ID,
            subject=f"{site.name}: keys in the cache",
            count=count,
            bytes=0,
            age_seconds=0,
            reason="can be made again",
            parameters={"bench": str(site.bench.path), "site": site.name},
        )


def _apply(context: TaskContext, task: Task, _deadline: float) -> TaskOutcome:
    site = site_of(context.benches, task.parameters)
    return TaskOutcome(DONE, delete_site_keys(*_keys_of(site), _kept_of(site)))


def _kept_of(site: Site) -> tuple[str, ...]:
    """Return what the names of keys begin with that stay: Frappe's own, and what apps of the bench want kept."""
    return (*LASTING_KEYS, *persistent_cache_keys(site.bench))


def _keys_of(site: Site) -> tuple[str, str]:
    """Return the URL of the cache and the database whose name the site's keys begin with."""
    own, common = read_configuration(site.config_path), read_configuration(site.bench.common_config_path)
    return redis_addresses({**common, **own})[0], database_address(own, common).db_name


SITE_CACHE = TaskRule(
    id=ID,
    noun="key",
    title="keys of sites in the Redis cache that can be made again",
    never_touches="other sites' keys; sessions, rows that are yet to be inserted, records of a look, counters of "
    "requests and failed logins, what apps declare as persistent; the queue",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
