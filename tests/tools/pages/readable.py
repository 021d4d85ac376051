"""What the registry says, as people read it."""

from __future__ import annotations

import re

from plugins.module_utils._checks.registry import Check

# The largest unit that a number fills, by the check's base unit.
SCALES = {
    "seconds": ((86400, "d"), (3600, "h"), (60, "min")),
    "bytes": ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")),
}


def readable_number(value: float, unit: str) -> str:
    """Give a number of a base unit as people say it, as 26 h; empty where it is short enough as it is."""
    for size, name in SCALES.get(unit, ()):
        if value >= size and value % size == 0:
            return f"{value / size:g} {name}"
    return ""


def readable_range(text: str, unit: str) -> str:
    """Give a threshold range, and what its number comes to; empty where there is none."""
    if not text:
        return ""
    numbers = [readable_number(float(number), unit) for number in re.findall(r"\d+(?:\.\d+)?", text)]
    return " ".join((f"`{text}`", *(f"({number})" for number in numbers if number)))


def remedy(check: Check) -> str:
    """Give what mends a breach, with the command where there is a playbook."""
    remediation = check.remediation
    if not remediation.playbook:
        return remediation.text
    tags = f" --tags {','.join(remediation.tags)}" if remediation.tags else ""
    return f"{remediation.text} Playbook: `ansible-playbook {remediation.playbook}{tags}`."
