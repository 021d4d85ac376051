"""Check of the apps of a site: those that its database names must be in the bench. None of their code is imported."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from ..._bench.apps import bench_apps
from ..._bench.layout import Bench
from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.site import SiteTarget

# What pip leaves behind for a package: its name, then its version.
_INSTALLED = re.compile(r"(?P<name>.+?)-\d.*\.(?:dist-info|egg-info)|(?P<linked>.+)\.egg-link")


@check(
    "F03",
    "apps.complete",
    title="Apps of the site and of the bench",
    subject="site",
    target=SiteTarget,
    measures="Apps that the site has installed and the bench lacks, and apps of the bench that are only half there",
    source="tabDefaultValue, sites/apps.txt, the folder apps, and the names of the packages in env",
    unit="count",
    warning="0",
    impact="high",
    remediation=Remediation(
        "Get the app again with bench get-app at the version that the site had. Where it is gone for good, recover the "
        "app's data first, then run bench --site SITE remove-from-installed-apps APP."
    ),
    reference="own proposal",
)
def apps(site: SiteTarget) -> Iterator[Measurement]:
    """Compare what the site, apps.txt, the folder and the environment say."""
    bench = site.bench.bench
    installed = installed_apps(site)
    listed = list(bench_apps(bench))
    present = app_folders(bench)
    packages = environment_packages(bench)
    lacking = [app for app in installed if app not in present or app not in listed]
    # A bench that reaches its apps by PYTHONPATH has no package of any.
    by_package = [app for app in listed if app in packages]
    half = [
        *(f"{app} is in apps.txt and not in the folder apps" for app in listed if app not in {*present, *lacking}),
        *(f"{app} is in the folder apps and not in apps.txt" for app in present if app not in listed),
        *(f"{app} is no package of env" for app in listed if by_package and app not in by_package),
    ]
    problems = (*(f"{app} is installed on the site and not in the bench" for app in lacking), *half)
    yield Measurement(
        len(problems),
        text="; ".join(problems) if problems else f"all {len(installed)} apps of the site are in the bench",
        severity="critical" if lacking else "",
    )


def installed_apps(site: SiteTarget) -> list[str]:
    """Return the apps that the site has, as Frappe reads them.

    Raises:
        UnmeasurableError: The site does not say.
    """
    rows = site.query("SELECT defvalue FROM tabDefaultValue WHERE defkey = 'installed_apps' LIMIT 1")
    try:
        return [str(name) for name in json.loads(rows[0][0])]
    except (IndexError, TypeError, ValueError):
        raise UnmeasurableError("the site's database does not say which apps it has") from None


def app_folders(bench: Bench) -> list[str]:
    """Return the apps whose source is in the bench."""
    if not bench.apps_path.is_dir():
        return []
    return sorted(folder.name for folder in bench.apps_path.iterdir() if (folder / folder.name).is_dir())


def environment_packages(bench: Bench) -> set[str]:
    """Return the names of the packages in the bench's environment, as their folders say."""
    folders = (bench.path / "env" / "lib").glob("python3*/site-packages")
    return _package_names(entry.name for folder in folders for entry in folder.iterdir())


def _package_names(entries: Iterable[str]) -> set[str]:
    matches = (_INSTALLED.fullmatch(entry) for entry in entries)
    names = ((match["name"] or match["linked"]) for match in matches if match)
    return {name.lower().replace("-", "_") for name in names}
