"""Check of whether a site's database has followed the code: its patches, and the versions that it was migrated to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..._bench.apps import UNKNOWN_VERSION, bench_apps
from ..._system.quantities import HOUR_SECONDS
from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.site import SiteTarget
from .site_apps import installed_apps

PATCHES_READ = 50000
PENDING_SHOWN = 8
# A deployment migrates within this time; what is still pending after it was forgotten or failed.
DEPLOYMENT_SECONDS = HOUR_SECONDS
# Frappe runs these after all others, and logs them without the word.
LAST_PREFIX = "finally:"


@check(
    "F04",
    "migration.pending",
    title="Migration of the database",
    subject="site",
    target=SiteTarget,
    measures="Patches of the installed apps that have not run, and apps whose version the site was not migrated to",
    source="patches.txt and __init__.py of each app, tabPatch Log and tabInstalled Application",
    unit="count",
    warning="0",
    impact="high",
    remediation=Remediation(
        "Take a backup and run bench --site SITE migrate. For a patch that was skipped, read its traceback in "
        "Patch Log."
    ),
    reference="own proposal; critical an hour after the code was deployed",
)
def migration(site: SiteTarget) -> Iterator[Measurement]:
    """Compare the code of the installed apps with what the database says that it ran."""
    installed = installed_apps(site)
    wanted = [(app, patch) for app in installed for patch in app_patches(_source(site, app) / "patches.txt")]
    done, skipped = _logged_patches(site)
    pending = [
        f"{app}: {patch}" + (" (skipped)" if patch in skipped else "") for app, patch in wanted if patch not in done
    ]
    outdated = _other_versions(site, installed)
    found = (*outdated, *pending)
    text = f"{len(pending)} patches have not run, {len(outdated)} apps were not migrated to their version"
    is_forgotten = bool(found) and site.now_seconds - _deployed_at_seconds(site, installed) > DEPLOYMENT_SECONDS
    yield Measurement(
        len(found),
        text=text if found else "every patch has run, and the versions are those of the code",
        evidence=found[:PENDING_SHOWN],
        severity="critical" if is_forgotten else "",
    )


def app_patches(path: Path) -> list[str]:
    """Return the patches that an app lists, as they are logged once they ran: none where it lists none.

    Raises:
        UnmeasurableError: The list cannot be read.
    """
    try:
        lines = (line.strip() for line in path.read_text(errors="replace").splitlines())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnmeasurableError(f"{path} cannot be read: {error.strerror}") from None
    patches = (line for line in lines if line and line[0] not in "#;[")
    return [patch[len(LAST_PREFIX) :] if patch.startswith(LAST_PREFIX) else patch for patch in patches]


def _source(site: SiteTarget, app: str) -> Path:
    return site.bench.bench.apps_path / app / app


def _logged_patches(site: SiteTarget) -> tuple[set[str], set[str]]:
    """Return the patches that have run, and those that failed and were skipped."""
    # Up to version 13 Frappe stops at a patch that fails.
    columns = "patch, skipped" if "skipped" in site.columns("tabPatch Log") else "patch, 0"
    rows = site.query(f"SELECT {columns} FROM `tabPatch Log` LIMIT %s", (PATCHES_READ,))  # noqa: S608
    done = {str(patch) for patch, is_skipped in rows if not is_skipped}
    return done, {str(patch) for patch, is_skipped in rows if is_skipped}


def _other_versions(site: SiteTarget, installed: list[str]) -> list[str]:
    versions = bench_apps(site.bench.bench)
    # Empty until the first migration of a new site.
    migrated = dict(site.query("SELECT app_name, app_version FROM `tabInstalled Application`"))
    return [
        f"{app} {versions[app]}: the site was migrated to {migrated[app]}"
        for app in installed
        if app in migrated and versions.get(app, UNKNOWN_VERSION) not in {UNKNOWN_VERSION, migrated[app]}
    ]


def _deployed_at_seconds(site: SiteTarget, installed: list[str]) -> float:
    files = (_source(site, app) / name for app in installed for name in ("patches.txt", "__init__.py"))
    return max((path.stat().st_mtime for path in files if path.exists()), default=0.0)
