"""The configuration in a set, plain as bench leaves it or encrypted as this collection does."""

from __future__ import annotations

from pathlib import Path

from .._bench.configuration import Configuration, parse_configuration
from .._bench.layout import Site
from .artifacts import open_artifact
from .keys import find_key

# Configurations of sites have a few KiB; more is none.
LIMIT_BYTES = 16 * 1024 * 1024


def configuration_in_set(path: Path | None, encryption_key: str | None, site: Site) -> Configuration:
    """Return the configuration of a set, opened with the key that fits; empty where the set has none.

    Args:
        path: The artifact; None where the set has none.
        encryption_key: The key that was given; without it that of the site is taken.
        site: The live site.

    Raises:
        LifeboatError: As ``read_set_configuration``.
    """
    if path is None:
        return {}
    return read_set_configuration(path, find_key(encryption_key, path, site.config_path)[0])


def read_set_configuration(path: Path, encryption_key: str | None) -> Configuration:
    """Return the configuration of a set.

    Args:
        path: The artifact.
        encryption_key: The key of the set; not used for a plain artifact.

    Raises:
        LifeboatError: ``configuration_invalid`` and what ``open_artifact`` raises.
    """
    with open_artifact(path, encryption_key) as stream:
        content = stream.read(LIMIT_BYTES)
    return parse_configuration(content, path)
