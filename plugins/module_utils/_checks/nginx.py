"""What nginx on this host is told to do, read from its configuration files."""

from __future__ import annotations

import re
from pathlib import Path

from .._bench.layout import ROOT

CONFIGURATION_FOLDERS = ("etc/nginx", "usr/local/nginx/conf")
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
