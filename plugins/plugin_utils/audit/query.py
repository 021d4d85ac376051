# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Selecting findings of an audit by a JMESPath expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from .cleaning import clean_value

try:
    import jmespath
    from jmespath.exceptions import JMESPathError

    HAS_JMESPATH = True
except ImportError:
    HAS_JMESPATH = False


def select(document: Mapping[str, Any], expression: str) -> list[Any]:
    """Return what an expression selects in the document: a list, or one value as a list of one.

    What is empty, false or nothing selects nothing, so that a question as ``summary.score < `80``` works as well.

    Raises:
        LifeboatError: ``library_missing`` or ``query_invalid``.
    """
    if not HAS_JMESPATH:
        raise LifeboatError(
            "Cannot use the query: the Python library jmespath is not installed where Ansible runs. Install it there "
            "and run this again.",
            "library_missing",
            {"library": "jmespath"},
        )
    try:
        found = jmespath.search(expression, document)
    except JMESPathError as error:
        raise LifeboatError(
            f"Cannot use the query {expression!r}: {clean_value(str(error))} Correct it; docs/audit.md has examples. "
            "The report was written without it.",
            "query_invalid",
        ) from error
    if isinstance(found, list):
        return list(clean_value(found))
    return [clean_value(found)] if found else []


def selected_line(selected: Any) -> str:
    """Write one selected value as a line for people."""
    if isinstance(selected, dict) and {"host", "id", "target", "item", "text"} <= set(selected):
        where = " ".join(str(selected[name]) for name in ("target", "item") if selected[name])
        return ": ".join(str(part) for part in (selected["host"], f"{selected['id']} {where}", selected["text"]))
    if isinstance(selected, dict):
        return ", ".join(f"{name}: {value}" for name, value in selected.items())
    return ", ".join(map(str, selected)) if isinstance(selected, list) else str(selected)
