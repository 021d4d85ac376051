"""Check of how long the software of a bench will still be mended by its makers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, time, timedelta, timezone
from pathlib import Path

from ..._bench.apps import bench_apps
from ..._system.errors import LifeboatError
from ..._system.quantities import DAY_SECONDS
from ..lifecycle import end_of_life
from ..registry import Measurement, Remediation, check
from ..targets.bench import BenchTarget

# Half a year: moving a site to the next major version takes about as long.
NOTICE_SECONDS = 180 * DAY_SECONDS
MADE_BY_FRAPPE = ("frappe", "erpnext")


@check(
    "F20",
    "releases.supported",
    title="End of life of Frappe, Python and Node",
    subject="site",
    target=BenchTarget,
    measures="Seconds until the makers stop mending the version that the bench runs; negative after it",
    source="the source of the apps, env/pyvenv.cfg or the folder of its packages, and node --version",
    unit="seconds",
    warning=f"{NOTICE_SECONDS}:",
    critical="0:",
    impact="high",
    remediation=Remediation("Plan the move to the next major version: rehearse the migration on a copy of the site."),
    reference="the makers' published dates, in lifecycle.py",
)
def releases(bench: BenchTarget) -> Iterator[Measurement]:
    """Compare each version with the makers' dates; one that the dates do not know is unknown."""
    apps = bench_apps(bench.bench)
    versions = {app: apps[app] for app in MADE_BY_FRAPPE if app in apps}
    versions["python"] = python_version(bench.bench.path / "env")
    with suppress(LifeboatError):  # no node, or not on the path of this program: then the bench builds elsewhere
        versions["node"] = bench.surroundings.run(["node", "--version"]).output.strip()
    for product, version in versions.items():
        last_day = end_of_life(product, version)
        if last_day is None:
            yield Measurement(None, product, f"nobody knows how long {product} {version or '(no version)'} gets fixes")
            continue
        end = datetime.combine(last_day + timedelta(days=1), time(), timezone.utc)
        left_seconds = end.timestamp() - bench.now_seconds
        fixes = "gets fixes until" if left_seconds > 0 else "has had no fixes since"
        yield Measurement(left_seconds, product, f"{product} {version} {fixes} {last_day}")


def python_version(environment: Path) -> str:
    """Return the version of a virtual environment's Python, empty where it cannot be told without running it."""
    with suppress(OSError):
        lines = (line.partition("=") for line in (environment / "pyvenv.cfg").read_text().splitlines())
        values = {key.strip(): value.strip() for key, _separator, value in lines}
        if version := values.get("version_info") or values.get("version"):
            return version
    folders = sorted(folder.name for folder in (environment / "lib").glob("python3.*"))
    return folders[-1][len("python") :] if folders else ""
