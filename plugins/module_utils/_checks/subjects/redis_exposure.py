"""Who can reach Redis servers, and what their configuration gives away."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from ..findings import CRITICAL, OK, WARNING
from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.redis_instance import RedisInstance

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
# Since Redis 7 protected mode keeps strangers out whatever bind says; before, only where bind was not set.
PROTECTED_WITH_BIND = 7
SECRET_LINE = re.compile(rb"^\s*(requirepass|masterauth|user)\s", re.IGNORECASE | re.MULTILINE)


@check(
    "R11",
    "redis.exposure",
    title="Redis is closed to strangers",
    subject="redis",
    target=RedisInstance,
    measures="whether it listens beyond loopback without asking for a password, and whether others read its password",
    source="CONFIG GET bind, protected-mode; ACL GETUSER default; the mode of its configuration file",
    unit="bool",
    warning="0",
    impact="critical",
    remediation=Remediation(
        "Set bind 127.0.0.1 and protected-mode yes, or requirepass and a firewall, in its configuration; take the "
        "right to read that file from others (chmod o-r)."
    ),
    reference="Lynis DBS-1882, DBS-1884, DBS-1886, DBS-1888; Redis' documentation of security",
)
def exposure(target: RedisInstance) -> Iterator[Measurement]:
    """Compare where it listens with what it asks."""
    addresses = target.setting("bind").split()
    reachable = open_addresses(addresses)
    is_protected = target.setting("protected-mode") == "yes" and (
        int(str(target.info.get("redis_version", "0")).partition(".")[0]) >= PROTECTED_WITH_BIND or not addresses
    )
    where = f"it listens on {' '.join(addresses) or 'every address'}"
    if not reachable:
        yield Measurement(0, "listen", f"{where}, which only this host reaches")
    elif not _lets_in_anybody(target):
        yield Measurement(0, "listen", f"{where}, and asks for a password")
    elif is_protected:
        yield Measurement(0, "listen", f"{where}, and protected mode keeps others out")
    else:
        is_public = any(address is None or not address.is_private for address in reachable)
        severity = CRITICAL if is_public else WARNING
        yield Measurement(1, "listen", f"{where}, and lets in anybody without a password", severity=severity)
    yield from _configuration_file(target)


def open_addresses(bind: Iterable[str]) -> list[IPv4Address | IPv6Address | None]:
    """Return the addresses of a ``bind`` setting that other hosts may reach; None stands for all of the host's."""
    found: list[IPv4Address | IPv6Address | None] = []
    for text in bind or ["*"]:
        # A dash in front lets Redis start where the host does not have the address.
        name = text.lstrip("-")
        try:
            address = ip_address(name)
        except ValueError:
            if name not in LOOPBACK_HOSTS:
                found.append(None)
            continue
        if not address.is_loopback:
            found.append(None if address.is_unspecified else address)
    return found


def _lets_in_anybody(target: RedisInstance) -> bool:
    try:
        account = target.ask(lambda connection: connection.acl_getuser("default"))
    except UnmeasurableError:
        return not target.setting("requirepass")  # a server without ACL, or one that does not show them
    return {"on", "nopass"} <= set(account["flags"])


def _configuration_file(target: RedisInstance) -> Iterator[Measurement]:
    name = str(target.info.get("config_file") or "")
    path = target.surroundings.root / name.lstrip("/")
    if not name or not _is_here(target.url):
        return
    try:
        is_readable = bool(path.stat().st_mode & stat.S_IROTH)
        gives_away = is_readable and SECRET_LINE.search(path.read_bytes()) is not None
    except OSError:
        return  # the server of a container, whose files are not at these paths
    text = f"others may read {Path(name).name}, which holds a password" if gives_away else "others learn no password"
    yield Measurement(int(gives_away), "file", text, severity=WARNING if gives_away else OK)


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in {None, *LOOPBACK_HOSTS}  # None is a socket's file
