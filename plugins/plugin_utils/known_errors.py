# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The known errors of the collection, read where Ansible runs: a host need not be able to read YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).parent / "knowledge" / "known_errors.yml"
# What only the documentation and the tests need.
NOT_SENT = ("sample", "also_matches")


def known_errors() -> list[dict[str, Any]]:
    """Return the list of known errors as the module ``error_log_info`` takes it."""
    entries: list[dict[str, Any]] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return [{name: value for name, value in entry.items() if name not in NOT_SENT} for entry in entries]
