# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an answer of a host must look like to be used: a spoilt one must not cost the others their report. Pure."""

from __future__ import annotations

from typing import Any

NUMBER = (int, float)
NUMBER_OR_NONE = (int, float, type(None))
DICTIONARY: dict[str, Any] = {}  # with any keys

FINDING: dict[str, Any] = {
    **dict.fromkeys(
        ("id", "name", "title", "subject", "target", "item", "severity", "unit", "warning", "critical"), str
    ),
    **dict.fromkeys(("text", "impact", "remediation", "playbook"), str),
    "value": NUMBER_OR_NONE,
    "evidence": [str],
}
ACCEPTANCE: dict[str, Any] = {"id": str, "reason": str, "owner": str, "expires": str}
SUMMARY: dict[str, Any] = {"score": int, "coverage": NUMBER}
SYSTEM: dict[str, Any] = {"os": str, "kernel": str, "cores": int, "memory_bytes": NUMBER_OR_NONE}
SITE: dict[str, Any] = {"name": str, "files_bytes": NUMBER, "files_are_whole": bool}
ACCOUNT: dict[str, Any] = {"account": str, "global_privileges": [str], "databases": [str]}
# By fact, the shape of each of its entries.
FACTS: dict[str, Any] = {
    "software": dict.fromkeys(("kind", "name", "version", "series", "end_of_life"), str),
    "benches": {"path": str, "services": DICTIONARY, "sites": [SITE]},
    "databases": {"name": str, "version": str, "accounts": [ACCOUNT]},
    "sizes": {"server": str, "name": str, "site": str, "bytes": NUMBER},
    "backups": {"site": str, "recovery_point": str, "verdict": str, "size_bytes": NUMBER_OR_NONE},
    "rehearsals": {"site": str, "at": str, "outcome": str},
    "peers": {"kind": str, "name": str, "identity": str, "values": DICTIONARY},
    "problems": {"part": str, "reason": str},
}


def fits(value: Any, shape: Any) -> bool:
    """Tell whether a value of JSON has a shape.

    Args:
        value: The value.
        shape: A type or several; a list with the shape of its elements; a dictionary with the shapes of the keys that
            must be there, beside which there may be others.
    """
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(element, shape[0]) for element in value)
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(name in value and fits(value[name], shape[name]) for name in shape)
    return isinstance(value, shape)


def usable_facts(facts: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the facts whose shape is right, and what was left out."""
    if not isinstance(facts, dict):
        return {}, ["The facts cannot be used: they are no facts."]
    usable: dict[str, Any] = {"system": facts["system"]} if fits(facts.get("system"), SYSTEM) else {}
    problems = []
    for name, shape in FACTS.items():
        entries = facts.get(name, [])
        usable[name] = [entry for entry in entries if fits(entry, shape)] if isinstance(entries, list) else []
        if usable[name] != entries:
            problems.append(f"Some of the fact {name} cannot be used: it is not what audit_info returns.")
    return usable, problems
