"""A site's configuration and database, read as Frappe reads them."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import time
from pathlib import Path
from typing import Any

import pymysql
import redis

# Frappe 15 reads the configuration on each request; Frappe 16 keeps it for 60 seconds in each web process.
CACHE_SECONDS = float(os.environ.get("FRAPPE_LAB_CONFIGURATION_CACHE_SECONDS", "0"))
_cache: dict[str, tuple[float, dict[str, Any]]] = {}


class SiteNotFoundError(Exception):
    """There is no site of that name."""


def sites_path() -> Path:
    """Return the folder of the sites; gunicorn is started in it, workers in the bench."""
    here = Path.cwd()
    return here if here.name == "sites" else here / "sites"


def common_configuration() -> dict[str, Any]:
    """Return what every site of the bench shares."""
    shared: dict[str, Any] = json.loads((sites_path() / "common_site_config.json").read_text())
    return shared


def configuration(site: str, *, cached: bool = False) -> dict[str, Any]:
    """Return the bench's configuration with the site's on top of it."""
    if cached and CACHE_SECONDS and site in _cache and time.monotonic() - _cache[site][0] < CACHE_SECONDS:
        return _cache[site][1]
    path = sites_path() / site / "site_config.json"
    if not site or "/" in site or not path.is_file():
        raise SiteNotFoundError(site)
    merged = {**common_configuration(), **json.loads(path.read_text())}
    _cache[site] = (time.monotonic(), merged)
    return merged


def connect(settings: dict[str, Any]) -> pymysql.connections.Connection[Any]:
    """Connect to the site's database with the site's account; a transaction begins with the first statement."""
    return pymysql.connect(
        host=settings.get("db_host", "127.0.0.1"),
        port=int(settings.get("db_port", 3306)),
        user=settings.get("db_user", settings["db_name"]),
        password=settings["db_password"],
        database=settings["db_name"],
        charset="utf8mb4",
        connect_timeout=5,
    )


def remember(settings: dict[str, Any], key: str, value: Any) -> None:
    """Put a value into the site's part of the cache; a cache that is down is no error."""
    with contextlib.suppress(redis.RedisError), redis.Redis.from_url(settings["redis_cache"]) as cache:
        cache.set(f"{settings['db_name']}|{key}", pickle.dumps(value))
