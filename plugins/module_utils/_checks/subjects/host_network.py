"""Checks of the host's network: room for connections in the kernel's table, and names that can be resolved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from ..._bench.configuration import read_configuration
from ..._system.errors import LifeboatError
from ..._system.quantities import duration_text
from ..findings import CRITICAL
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.host import Host

# They are asked for side by side; hundreds of sites must not become hundreds of programs.
MOST_NAMES = 10
# What the configuration of a bench or a site names hosts by: itself, its database, its outgoing mail.
_SETTINGS = ("host_name", "db_host", "mail_server")


@check(
    "H20",
    "network.connections",
    title="Room in the table of connections",
    subject="host",
    target=Host,
    measures="how full the kernel's table of tracked connections is",
    source="nf_conntrack_count and nf_conntrack_max",
    unit="percent",
    warning="75",
    critical="90",
    impact="medium",
    remediation=Remediation(
        "Raise net.netfilter.nf_conntrack_max; see who opens so many connections (conntrack -L, ss -s). When the table "
        "is full the kernel drops new connections without a word."
    ),
    reference="node-mixin NodeHighNumberConntrackEntriesUsed (75 %)",
)
def network_connections(target: Host) -> Iterator[Measurement]:
    """Compare the entries with the limit."""
    used, most = (target.read_if_there(f"/proc/sys/net/netfilter/nf_conntrack_{name}") for name in ("count", "max"))
    if not used or not most:
        raise NotApplicableError("the kernel does not track connections")
    yield Measurement(100 * int(used) / int(most), text=f"{int(used):,} of {int(most):,} connections are tracked")


@check(
    "H22",
    "network.names",
    title="Names that the sites need can be resolved",
    subject="host",
    target=Host,
    measures="how long the host takes to resolve the names in the configuration of its benches and sites",
    source="getent ahosts, for host_name, db_host and mail_server",
    unit="seconds",
    warning="1",
    impact="medium",
    remediation=Remediation(
        "Try getent ahosts NAME; look into /etc/resolv.conf, ask the name server, or correct the configuration."
    ),
    reference="Lynis NETW-2705; 1 second: own proposal",
)
def network_names(target: Host) -> Iterator[Measurement]:
    """Resolve each name as the programs of the host do."""
    names = sorted(_names(target))
    if not names:
        raise NotApplicableError("no bench of this host names another one")
    with ThreadPoolExecutor(MOST_NAMES) as pool:
        yield from pool.map(lambda name: _resolve(target, name), names[:MOST_NAMES])


def _names(target: Host) -> set[str]:
    names: set[str] = set()
    for bench in target.benches:
        for path in (bench.common_config_path, *(site.config_path for site in bench.sites())):
            with suppress(LifeboatError):  # a broken configuration is another check's
                configuration = read_configuration(path)
                names.update(_host(configuration.get(setting)) for setting in _SETTINGS)
    return {name for name in names if not _needs_no_server(name)}


def _host(value: Any) -> str:
    text = str(value or "")
    with suppress(ValueError):
        return urlsplit(text if "//" in text else f"//{text}").hostname or ""
    return ""


def _needs_no_server(name: str) -> bool:
    """Tell whether a name is an address, or one that never leaves the host (RFC 6761)."""
    with suppress(ValueError):
        ip_address(name)
        return True
    return name == "" or name.split(".")[-1] == "localhost"


def _resolve(target: Host, name: str) -> Measurement:
    started = time.monotonic()
    try:
        exit_code = target.surroundings.run(["getent", "ahosts", name]).exit_code
    except LifeboatError as error:
        if error.error_code == "command_missing":
            return Measurement(None, name, error.message)
        exit_code = -1
    seconds = time.monotonic() - started
    if exit_code:
        return Measurement(seconds, name, f"{name} cannot be resolved ({duration_text(seconds)})", severity=CRITICAL)
    return Measurement(seconds, name, f"{name} was resolved in {duration_text(seconds)}")
