"""Which key opens the encrypted artifacts of a set."""

from __future__ import annotations

from pathlib import Path

from .._bench.configuration import read_configuration
from .._system.errors import LifeboatError

BACKUP_KEY_NAME = "backup_encryption_key"
FROM_OPTION = "option"
FROM_SET = "set"
FROM_SITE = "site"


def key_in(config_path: Path | None) -> str | None:
    """Return the backup key of a configuration; None where there is no such file, no key in it, or no sense in it.

    The first encrypted backup of a site has none: Frappe copies the configuration before it makes the key.
    """
    try:
        key = read_configuration(config_path).get(BACKUP_KEY_NAME) if config_path else None
    except (LifeboatError, OSError):
        return None
    return str(key) if key else None


def find_key(given: str | None, set_config_path: Path | None, site_config_path: Path | None) -> tuple[str | None, str]:
    """Return the key for an encrypted set, and where it comes from: option, set, site, or "" when there is none.

    Args:
        given: What the caller gave; no other is tried then, since a wrong one has to be told.
        set_config_path: The configuration in the set.
        site_config_path: The configuration of the live site.
    """
    candidates = ((FROM_OPTION, given), (FROM_SET, key_in(set_config_path)), (FROM_SITE, key_in(site_config_path)))
    return next(((key, source) for source, key in candidates if key), (None, ""))
