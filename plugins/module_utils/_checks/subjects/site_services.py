"""Check of whether the services of a bench run with the configuration that the bench has for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ..._bench.configuration import redis_addresses
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.bench import BenchTarget

# Where installations put what `bench setup` writes below config; {bench} is the name of the bench's folder.
INSTALLED = {
    "supervisor.conf": ("etc/supervisor/conf.d/{bench}.conf", "etc/supervisord.d/{bench}.ini"),
    "nginx.conf": ("etc/nginx/conf.d/{bench}.conf", "etc/nginx/sites-enabled/{bench}.conf"),
}
_PORT = re.compile(r"^\s*port\s+(\d+)\s*$", re.MULTILINE)


@check(
    "F18",
    "services.configuration",
    title="Configuration of the services",
    subject="site",
    target=BenchTarget,
    measures="Files of supervisor, nginx and Redis that differ from what the bench says",
    source="config/*.conf of the bench, their copies in /etc, and common_site_config.json",
    unit="count",
    warning="0",
    impact="medium",
    remediation=Remediation(
        "Look at the difference; then write the file anew (bench setup supervisor, nginx, redis), put it in its place, "
        "and reload the service."
    ),
    reference="own proposal",
)
def services_configuration(bench: BenchTarget) -> Iterator[Measurement]:
    """Compare each file with the one that is in force, and the ports of Redis with those that the sites use."""
    compared = [*_copies(bench), *_redis_ports(bench)]
    if not compared:
        raise NotApplicableError("the bench has no configuration of services")
    drifted = [text for text in compared if text]
    text = f"{len(compared)} files are as the bench says"
    yield Measurement(len(drifted), text="; ".join(drifted) if drifted else text)


def _copies(bench: BenchTarget) -> Iterator[str]:
    """Yield for each copy that is installed what is wrong with it, an empty text where nothing is."""
    for name, places in INSTALLED.items():
        written = bench.bench.path / "config" / name
        for place in places:
            installed = bench.surroundings.root / place.format(bench=bench.bench.name)
            if written.is_file() and installed.is_file():
                is_same = written.samefile(installed) or _read(written) == _read(installed)
                yield "" if is_same else f"/{installed.relative_to(bench.surroundings.root)} differs from config/{name}"


def _redis_ports(bench: BenchTarget) -> Iterator[str]:
    """Yield the same for the configurations of Redis."""
    for name, url in zip(("redis_cache.conf", "redis_queue.conf"), redis_addresses(bench.common)):
        path = bench.bench.path / "config" / name
        configured = _PORT.search(_read(path)) if path.is_file() else None
        if configured is not None:
            is_same = int(configured[1]) == urlsplit(url).port
            yield "" if is_same else f"config/{name} has port {configured[1]}, common_site_config.json has another"


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise UnmeasurableError(f"{path} cannot be read: {error.strerror}") from None
