"""Who listens on which port of this host, and on which addresses the host itself can be reached."""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from .._bench.layout import ROOT

IPAddress = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

LISTEN_STATE = "0A"
_SOCKET_LINK = re.compile(r"socket:\[(\d+)\]")
_LOCAL_V4 = re.compile(r"\|-- (?P<address>[0-9.]+)\n\s+/32 host LOCAL")


@dataclass(frozen=True)
class Listener:
    """A socket that takes connections; ``program`` is empty where its process may not be looked at."""

    address: IPAddress
    port: int
    waiting: int
    program: str


def read_listeners(root: Path = ROOT) -> list[Listener]:
    """Return the TCP sockets that listen, by port.

    Args:
        root: The folder that stands for ``/``.
    """
    programs = _programs_of_sockets(root / "proc")
    found = [
        Listener(address, port, waiting, programs.get(inode, ""))
        for name in ("tcp", "tcp6")
        for address, port, waiting, inode in _listening(root / "proc" / "net" / name)
    ]
    return sorted(found, key=lambda listener: (listener.port, str(listener.address)))


def local_addresses(root: Path = ROOT) -> list[IPAddress]:
    """Return the addresses of this host but those of loopback."""
    found: set[IPAddress] = set()
    for line in _lines(root / "proc" / "net" / "if_inet6"):
        found.add(ipaddress.ip_address(bytes.fromhex(line.split()[0])))
    table = "\n".join(_lines(root / "proc" / "net" / "fib_trie"))
    found.update(ipaddress.ip_address(match["address"]) for match in _LOCAL_V4.finditer(table))
    return sorted((address for address in found if not address.is_loopback), key=str)


def _listening(path: Path) -> Iterator[tuple[IPAddress, int, int, str]]:
    for line in _lines(path)[1:]:
        # proc(5): local address, remote address, state, the queues for sending and for receiving, ..., inode.
        _number, local, _remote, state, queues, *_others = line.split()
        if state == LISTEN_STATE:
            host, _colon, port = local.partition(":")
            yield _address(host), int(port, 16), int(queues.partition(":")[2], 16), line.split()[9]


def _address(text: str) -> IPAddress:
    # The kernel prints each 32-bit word in the host's byte order.
    words = [struct.pack("=I", int(text[start : start + 8], 16)) for start in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _programs_of_sockets(proc_path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for process in proc_path.glob("[0-9]*"):
        try:
            links = [str(link.readlink()) for link in (process / "fd").iterdir()]
            name = (process / "comm").read_text().strip()
        except OSError:  # it ended, or is another user's
            continue
        found.update((match[1], name) for link in links if (match := _SOCKET_LINK.fullmatch(link)))
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
