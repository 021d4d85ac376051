"""Reading and writing the configuration of sites and benches. It holds secrets: nothing here prints a value of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from .._system.errors import LifeboatError
from .._system.files import write_atomically

Configuration = dict[str, Any]

FRAPPE_INDENTATION = " "
MARIADB = "mariadb"
DEFAULT_DATABASE_HOST = "127.0.0.1"
DEFAULT_DATABASE_PORT = 3306
DEFAULT_WEBSERVER_PORT = 8000
# What Frappe falls back to when the configuration does not name its Redis servers.
DEFAULT_REDIS_CACHE = "redis://127.0.0.1:13311"
DEFAULT_REDIS_QUEUE = "redis://127.0.0.1:11311"
# Variables by which Frappe 16 overrides the configured database: where a process has them, a changed file is no use.
DATABASE_OVERRIDES = (
    "FRAPPE_DB_HOST",
    "FRAPPE_DB_NAME",
    "FRAPPE_DB_PASSWORD",
    "FRAPPE_DB_PORT",
    "FRAPPE_DB_SOCKET",
    "FRAPPE_DB_USER",
)


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a site's database is and which account uses it, without the password."""

    db_name: str
    db_user: str
    host: str
    port: int
    socket: str | None = None


def read_configuration(path: Path) -> Configuration:
    """Return a configuration file's content.

    Raises:
        LifeboatError: ``configuration_missing`` when there is none, ``configuration_invalid`` when it is not a JSON
            object; the message names the place, never the text.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise LifeboatError(
            f"Cannot read {path}: there is no such file. Put the configuration back, or recover the site from a set.",
            "configuration_missing",
        ) from error
    return parse_configuration(content, path)


def parse_configuration(content: bytes, path: Path) -> Configuration:
    """Return the settings in the content of a configuration file.

    Args:
        content: What is in the file.
        path: How to name it.

    Raises:
        LifeboatError: ``configuration_invalid``, as ``read_configuration``.
    """
    try:
        configuration = json.loads(content)
    except json.JSONDecodeError as error:
        # The cause carries the whole document, secrets and all: it must not travel with the error.
        raise LifeboatError(
            f"Cannot read {path}: it is not valid JSON ({error.msg}, line {error.lineno}, column {error.colno}). "
            "Correct it, or recover the site from a set.",
            "configuration_invalid",
        ) from None
    except UnicodeDecodeError:
        raise LifeboatError(
            f"Cannot read {path}: it is not text. Put the configuration back, or recover the site from a set.",
            "configuration_invalid",
        ) from None
    if not isinstance(configuration, dict):
        raise LifeboatError(
            f"Cannot use {path}: it is JSON, but not an object of settings. "
            "Correct it, or recover the site from a set.",
            "configuration_invalid",
        )
    return configuration


def write_configuration(
    path: Path, configuration: Configuration, owner: tuple[int, int] | None = None, mode: int | None = None
) -> None:
    """Replace a configuration file atomically and durably, its keys in the given order.

    It keeps the form of the file that it replaces: who takes a change back gets the same bytes. A new one is indented
    as Frappe writes it.

    Args:
        path: The file; its folder exists.
        configuration: The whole new content.
        owner: User and group id; None for those of the file that it replaces, or else of its folder.
        mode: Permission bits; None for those of the file that it replaces, or else 0640.
    """
    present = path.stat() if path.exists() else None
    if owner is None:
        status = present or path.parent.stat()
        owner = (status.st_uid, status.st_gid)
    if mode is None:
        mode = present.st_mode & 0o777 if present else 0o640
    content = _in_form_of(path.read_bytes() if present else b"", configuration)
    write_atomically(path, content, mode, owner)


def database_address(site: Configuration, common: Configuration) -> DatabaseAddress:
    """Return where a site's database is, as Frappe works it out of both configurations.

    Raises:
        LifeboatError: ``configuration_invalid`` when no database is named, or the port is no number.
    """
    merged = {**common, **site}
    name = merged.get("db_name") or merged.get("db_user")
    if not name:
        raise LifeboatError(
            "Cannot tell which database the site has: its configuration names none (db_name). "
            "Put the configuration back, or recover the site from a set.",
            "configuration_invalid",
        )
    port = merged.get("db_port") or DEFAULT_DATABASE_PORT
    if not str(port).isdigit():
        raise LifeboatError(
            "Cannot tell where the site's database is: db_port of its configuration is not a number. Correct it.",
            "configuration_invalid",
        )
    return DatabaseAddress(
        db_name=str(name),
        db_user=str(merged.get("db_user") or name),
        host=str(merged.get("db_host") or DEFAULT_DATABASE_HOST),
        port=int(port),
        socket=merged.get("db_socket") or None,
    )


def database_kind(configuration: Mapping[str, Any]) -> str:
    """Return the kind of server that a site's database is on, as Frappe's ``db_type`` says it."""
    return str(configuration.get("db_type") or MARIADB)


def redis_addresses(common: Configuration) -> tuple[str, str]:
    """Return the URLs of the cache and of the queue; they may hold a password (see ``without_password``)."""
    queue_url = str(common.get("redis_queue") or DEFAULT_REDIS_QUEUE)
    if common.get("use_rq_auth") and common.get("rq_password"):
        queue_url = _with_account(queue_url, str(common.get("rq_username") or ""), str(common["rq_password"]))
    return str(common.get("redis_cache") or DEFAULT_REDIS_CACHE), queue_url


def without_password(url: str) -> str:
    """Return a URL that may be shown: without its account, its password and its query.

    A password that was not quoted may hold any sign, so nothing before the last ``@`` is kept, and nothing at all where
    it is not clear on which side of it the query begins.
    """
    scheme, _separator, rest = url.partition("://")
    account, _separator, place = rest.rpartition("@")
    return f"{scheme}://{'...' if '?' in account else place.partition('?')[0]}"


def webserver_port(common: Configuration) -> int:
    """Return the port on which the bench's web server listens."""
    port = common.get("webserver_port") or DEFAULT_WEBSERVER_PORT
    return int(port) if str(port).isdigit() else DEFAULT_WEBSERVER_PORT


def bench_id(common: Configuration, bench_path: Path) -> str:
    """Return the name with which this bench's queues begin."""
    return str(common.get("bench_id") or str(bench_path).strip("/").replace("/", "-"))


def key_fingerprint(key: str) -> str:
    """Return what tells two keys apart without telling either: 12 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def is_on(configuration: Mapping[str, Any], key: str) -> bool:
    """Tell whether a switch of the configuration is on; Frappe writes 1, true, and by hand people write "1"."""
    return str(configuration.get(key) or "0").strip().lower() not in {"0", "false"}


def _in_form_of(present: bytes, configuration: Configuration) -> bytes:
    """Write a configuration with the indentation, the letters and the end of what is there."""
    text = present.decode(errors="replace")
    lines = text.strip().split("\n")
    indentation: str | None = FRAPPE_INDENTATION
    if len(lines) > 1:
        indentation = lines[1][: -len(lines[1].lstrip()) or None]
    elif len(lines[0]) > len("{}"):
        indentation = None
    written = json.dumps(configuration, indent=indentation, ensure_ascii=text.isascii())
    return (written + text[len(text.rstrip()) :]).encode()


def _with_account(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    account = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{account}@{parts.netloc.rpartition('@')[2]}"))
