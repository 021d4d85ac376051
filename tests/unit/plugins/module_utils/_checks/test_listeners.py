from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.listeners import (
    Listener,
    local_addresses,
    read_listeners,
)

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LINE = "   0: {address}:{port} 00000000:0000 {state} 00000000:{waiting} 00:00000000 00000000     0        0 {inode} 1\n"


def listening(address: str, port: str, inode: int, state: str = "0A", waiting: str = "00000000") -> str:
    return LINE.format(address=address, port=port, state=state, waiting=waiting, inode=inode)


def test_sockets_that_listen_are_read_with_their_programs(tmp_path: Path) -> None:
    net = tmp_path / "proc" / "net"
    net.mkdir(parents=True)
    (net / "tcp").write_text(
        HEAD
        + listening("0100007F", "0CEA", 11)
        + listening("00000000", "1F40", 12, waiting="00000003")
        + listening("0100007F", "A000", 13, state="01")
    )
    mapped = "0000000000000000FFFF00000100007F"
    (net / "tcp6").write_text(HEAD + listening("0" * 32, "0050", 14) + listening(mapped, "0051", 15))
    process = tmp_path / "proc" / "7"
    (process / "fd").mkdir(parents=True)
    (process / "comm").write_text("mariadbd\n")
    (process / "fd" / "3").symlink_to("socket:[11]")
    (process / "fd" / "4").symlink_to("/dev/null")
    assert read_listeners(tmp_path) == [
        Listener(ip_address("::"), 80, 0, ""),
        Listener(ip_address("127.0.0.1"), 81, 0, ""),
        Listener(ip_address("127.0.0.1"), 3306, 0, "mariadbd"),
        Listener(ip_address(0), 8000, 3, ""),
    ]


def test_the_addresses_of_a_host_are_read_without_loopback(tmp_path: Path) -> None:
    net = tmp_path / "proc" / "net"
    net.mkdir(parents=True)
    (net / "if_inet6").write_text("00000000000000000000000000000001 01 80 10 80 lo\n")
    (net / "fib_trie").write_text(
        "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.0.0.9\n        /32 host LOCAL\n     |-- 10.0.0.255\n"
        "        /32 link BROADCAST\n     |-- 127.0.0.1\n        /32 host LOCAL\n"
    )
    assert local_addresses(tmp_path) == [ip_address("10.0.0.9")]


def test_a_host_that_shows_nothing_has_no_listeners(tmp_path: Path) -> None:
    assert read_listeners(tmp_path) == []
    assert local_addresses(tmp_path) == []
