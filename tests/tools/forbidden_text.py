"""Refuse what no file of the project may hold: keys, paths of a machine, hosts of package registries, foreign URLs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from pip._internal.models.index import PyPI

from tests.tools.checkout import ROOT, tracked_files

# Hosts that a URL of ours may name. Whoever adds one says by it that readers should follow the link.
KNOWN_HOSTS = re.compile(
    r"""
    (?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0
    |[\w.-]*\b(?:example|invalid|test|localhost)(?:\.(?:com|org|net))?
    |github\.com|www\.gnu\.org|gnu\.org|www\.w3\.org|json-schema\.org|fsf\.org
    |docs\.ansible\.com|docs\.frappe\.io|mariadb\.com|keepachangelog\.com|semver\.org|redis\.io|forum\.ansible\.com
    |jmespath\.org|json\.schemastore\.org
    |[\w.{}%$()<>-]*[{}%$()<>][\w.{}%$()<>-]*    # a placeholder
    )
    """,
    re.VERBOSE,
)
URL = re.compile(r"\bhttps?://[^\s\"'`<>)\]|\\]+")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY" + r"-----")
TOKEN = re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|AKIA[A-Z0-9]{16}|glpat-[\w-]{20,})\b")
# Folders in which checkouts and tools of developers' and build machines lie: `/home/frappe` is none of them.
MACHINE_PATH = re.compile(
    r"(?<![\w.~}/-])/(?:work|workspace|builds|Users|home/runner|root/\.pyenv|tmp/bash_jobs)/(?=[\w.])"
)
HOST_SOURCES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*", "/etc/apt/apt.conf.d/*")


def registry_hosts() -> set[str]:
    """Read from this machine's own settings from where it gets packages: such a host is nobody else's business."""
    texts = [path.read_text(errors="replace") for pattern in HOST_SOURCES for path in Path("/").glob(pattern[1:])]
    texts.append(subprocess.run(["pip", "config", "list"], check=False, capture_output=True, text=True).stdout)
    hosts = {urlsplit(url).hostname for text in texts for url in URL.findall(text)}
    hosts |= {PyPI.netloc, PyPI.file_storage_domain}
    return {host for host in hosts if host and "." in host and not KNOWN_HOSTS.fullmatch(host)}


def findings(line: str, hosts: set[str]) -> Iterator[str]:
    """Say what a line holds that it must not."""
    if PRIVATE_KEY.search(line) or TOKEN.search(line):
        yield "a private key or an access token"
    if MACHINE_PATH.search(line) or f"{ROOT}/" in line:
        yield "a path of a developer's machine"
    yield from (f"the package registry's host {host}" for host in hosts if host in line)
    for url in URL.findall(line):
        host = url.split("//", 1)[1].split("/")[0].rsplit("@", 1)[-1].rsplit(":", 1)[0].rstrip(".,;")
        if "." in host and not KNOWN_HOSTS.fullmatch(host):
            yield f"a URL to a host that is not in KNOWN_HOSTS: {host}"


def main() -> int:
    """Look at every line of every text file; one output line for each finding, without the text of the line."""
    hosts = registry_hosts()
    found = 0
    for name in tracked_files():
        data = (ROOT / name).read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode(errors="replace").splitlines(), start=1):
            for finding in findings(line, hosts):
                print(f"{name}:{number}: {finding}")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
