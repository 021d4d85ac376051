"""How an administrator reaches the server of a site, when the options leave it open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .._bench.configuration import read_configuration
from .._bench.layout import ROOT, Bench
from .._mariadb.connection import DEFAULT_HOST, DEFAULT_PORT, LoginOptions, with_config_file
from .._system.errors import LifeboatError

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# Debian, Red Hat and upstream defaults of MariaDB's option "socket".
USUAL_SOCKETS = (Path("/run/mysqld/mysqld.sock"), Path("/var/lib/mysql/mysql.sock"), Path("/tmp/mysql.sock"))  # noqa: S108


def administrator_login(options: LoginOptions, bench: Bench, site_name: str) -> LoginOptions:
    """Fill what the options and the option file leave open from the configuration of the bench and the site."""
    return complete_login(
        with_config_file(options),
        _readable_configuration(bench.common_config_path),
        _readable_configuration(bench.site(site_name).config_path),
        usual_sockets(),
    )


def usual_sockets(root: Path = ROOT) -> list[Path]:
    """Return the sockets of database servers at the usual places below a root."""
    return [path for usual in USUAL_SOCKETS if (path := root / usual.relative_to("/")).is_socket()]


def complete_login(
    options: LoginOptions, common: Mapping[str, Any], site: Mapping[str, Any], sockets: Iterable[Path]
) -> LoginOptions:
    """Complete a login: the server is the site's, the account the bench's administrator, else root by its socket.

    Args:
        options: What was asked for; it always wins.
        common: The configuration that all sites share.
        site: The site's configuration, empty where it is missing or invalid.
        sockets: The sockets of servers that this host has at the usual places.
    """
    merged = {**common, **site}
    open_address = (options.login_host, options.login_port, options.login_unix_socket) == (
        DEFAULT_HOST,
        DEFAULT_PORT,
        None,
    )
    if open_address:
        options = replace(
            options,
            login_host=str(merged.get("db_host") or DEFAULT_HOST),
            login_port=int(merged.get("db_port") or DEFAULT_PORT),
            login_unix_socket=merged.get("db_socket") or None,
        )
    if options.login_password is None:
        user = common.get("root_login") or common.get("mariadb_root_login")
        password = common.get("root_password") or common.get("mariadb_root_password")
        if password:
            options = replace(options, login_user=options.login_user or user, login_password=password)
    is_local_default = options.login_host in LOCAL_HOSTS and options.login_port == DEFAULT_PORT
    if options.login_password is None and options.login_unix_socket is None and is_local_default:
        options = replace(options, login_unix_socket=next((str(path) for path in sockets), None))
    return options


def _readable_configuration(path: Path) -> Mapping[str, Any]:
    try:
        return read_configuration(path)
    except LifeboatError:
        return {}
