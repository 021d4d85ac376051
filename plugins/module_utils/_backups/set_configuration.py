"""The configuration in a set, plain as bench leaves it or encrypted as this collection does."""

from __future__ import annotations

from pathlib import Path

from .._bench.configuration import Configuration, parse_configuration
from .artifacts import open_artifact

# Configurations of sites have a few KiB; more is none.
LIMIT_BYTES = 16 * 1024 * 1024


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
