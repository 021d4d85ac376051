"""Check of who may read and who owns a site's files. Only the entries themselves are looked at; no link is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.site import SiteTarget

FOLDERS = ("", "public", "public/files", "private", "private/files", "private/backups", "locks", "logs")


@check(
    "F15",
    "permissions.files",
    title="Owner and permissions of the files",
    subject="site",
    target=SiteTarget,
    measures="Entries that belong to another user than the bench, or that others may read or write",
    source="lstat of the configuration and of the site's folders",
    unit="count",
    warning="0",
    impact="high",
    remediation=Remediation(
        "As root: chown the entry to the bench's user; chmod 0640 site_config.json, and chmod o-rwx on its folder."
    ),
    reference="own proposal: Frappe writes the configuration with the passwords for everybody to read",
)
def permissions(site: SiteTarget) -> Iterator[Measurement]:
    """Look at the configuration and at the folders of the site."""
    configuration = site.site.config_path
    folders = (site.site.path / name for name in FOLDERS)
    try:
        owner, _group = site.bench.bench.owner
        entries = [configuration, *(folder for folder in folders if os.path.lexists(folder))]
        foreign = tuple(str(path) for path in entries if path.lstat().st_uid != owner)
        mode = configuration.lstat().st_mode
        is_reachable = all(parent.stat().st_mode & stat.S_IXOTH for parent in configuration.parents)
    except OSError as error:
        raise UnmeasurableError(f"{site.site.path} cannot be looked at: {error.strerror}") from None
    exposures = [
        *(["everybody may read site_config.json and its passwords"] if mode & stat.S_IROTH and is_reachable else []),
        *(["everybody may write site_config.json"] if mode & stat.S_IWOTH and is_reachable else []),
    ]
    faults = [
        *exposures,
        *(["its group may write site_config.json"] if mode & stat.S_IWGRP else []),
        *([f"{len(foreign)} entries do not belong to the bench's user"] if foreign else []),
    ]
    yield Measurement(
        len(faults),
        text="; ".join(faults) if faults else "the site's files belong to the bench's user alone",
        evidence=foreign,
        severity="critical" if exposures else "",
    )
