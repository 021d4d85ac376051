"""What the other sites of a bench use: they share their apps, and so the reasons for their indexes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial

from ..._bench.layout import Site
from ..._cleanup.site_database import site_login
from ..._mariadb.connection import fetch_all, server_errors
from ..._system.errors import LifeboatError
from .sessions import reading_session
from .usage import IndexKey, read_counters

SiteKey = tuple[str, str]


def site_key(site: Site) -> SiteKey:
    """Return what tells a site from all others of the host."""
    return str(site.bench.path), site.name


def read_used(sites: Iterable[Site], now: float) -> dict[SiteKey, set[IndexKey]]:
    """Return the indexes that each site uses; one that cannot be asked is left out."""
    used = {}
    for site in sites:
        with suppress(LifeboatError), reading_session(site) as connection, server_errors("read the use of indexes"):
            counters = read_counters(partial(fetch_all, connection), site_login(site)[0].db_name, now)
            if counters is not None:
                used[site_key(site)] = {key for key, rows in counters.index_rows.items() if rows}
    return used


def used_by_others(site: Site, used: Mapping[SiteKey, set[IndexKey]]) -> set[IndexKey]:
    """Return the indexes that other sites of the bench of a site use. Pure."""
    own = site_key(site)
    return {key for other, keys in used.items() if other != own and other[0] == own[0] for key in keys}
