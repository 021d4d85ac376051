"""What nginx on this host is told to do, read from its configuration files, and since when it runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .._bench.layout import ROOT
from .._bench.processes import list_processes

CONFIGURATION_FOLDERS = ("etc/nginx", "usr/local/nginx/conf")
MASTER_TITLE = "nginx: master process"
_BOOT_TIME = re.compile(r"^btime (\d+)$", re.MULTILINE)
_DIRECTIVE = re.compile(r"(?:^|[{;])\s*(?P<name>ssl_certificate|access_log)\s+(?P<value>[^\s;]+)", re.MULTILINE)


def configuration_files(root: Path = ROOT) -> list[Path]:
    """Return nginx's configuration files, links resolved; none where nginx has no configuration here."""
    found = {
        path.resolve()
        for folder in CONFIGURATION_FOLDERS
        for path in (root / folder).rglob("*")
        if path.is_file() and (path.suffix == ".conf" or path.parent.name in {"sites-enabled", "conf.d"})
    }
    return sorted(found)


def values_of(directive: str, root: Path = ROOT) -> list[str]:
    """Return the first argument of each ``ssl_certificate`` or ``access_log`` that is set, once."""
    found: dict[str, None] = {}
    for path in configuration_files(root):
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        found.update((match["value"], None) for match in _DIRECTIVE.finditer(text) if match["name"] == directive)
    return list(found)


def certificates(root: Path = ROOT) -> list[str]:
    """Return the certificates that nginx is told to serve, in PEM, each without its chain."""
    found = []
    for value in values_of("ssl_certificate", root):
        path = root / value.lstrip("/")
        if path.is_file():
            leaf, end, _chain = path.read_text(errors="replace").partition("-----END CERTIFICATE-----")
            found.append((leaf[leaf.find("-----BEGIN") :] + end).strip())
    return found


def master_pids(root: Path = ROOT) -> list[int]:
    """Return nginx's masters."""
    return [
        process.pid for process in list_processes(root / "proc") if " ".join(process.arguments).startswith(MASTER_TITLE)
    ]


def newest_worker_seconds(root: Path = ROOT) -> float | None:
    """Return when nginx last started workers, in Unix time: at its start or its last reload; None where it runs not."""
    masters = set(master_pids(root))
    workers = [process.pid for process in list_processes(root / "proc") if process.parent_pid in masters]
    boot_seconds = float(_BOOT_TIME.findall((root / "proc" / "stat").read_text())[0])
    started = [boot_seconds + _start_ticks(root, pid) / os.sysconf("SC_CLK_TCK") for pid in workers]
    return max(started, default=None)


def _start_ticks(root: Path, pid: int) -> int:
    # proc(5): the start is the 22nd field, hence the 20th behind the name, which may hold spaces and parentheses.
    return int((root / "proc" / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[19])
