"""The thresholds of every check in the argument spec of the role health: a block between two marks."""

from __future__ import annotations

import json
import re

from plugins.module_utils._checks.catalogue import all_checks
from plugins.module_utils._checks.registry import Check
from tests.tools.checkout import ROOT

SPEC = ROOT / "roles" / "health" / "meta" / "argument_specs.yml"
BEGIN = "          # thresholds: begin (`make docs-write` writes them from the registry of checks)\n"
END = "          # thresholds: end\n"
UNITS = {
    "bool": "where 0 is right and 1 is wrong",
    "bytes": "in bytes",
    "count": "as a number",
    "per_second": "in a second",
    "percent": "in percent",
    "ratio": "as a ratio",
    "seconds": "in seconds",
}


def page() -> str:
    """Give the text of the argument spec, its thresholds anew."""
    options = "".join(_option(check) for check in all_checks())
    between = re.compile(re.escape(BEGIN) + ".*" + re.escape(END), re.DOTALL)
    return between.sub(lambda _found: BEGIN + options + END, SPEC.read_text())


def _option(check: Check) -> str:
    lines = [f"{check.id}:", "  type: dict", f"  description: {_text(f'{check.title} ({check.name}).')}", "  options:"]
    for name in ("warning", "critical"):
        default = getattr(check, name)
        otherwise = f"C({default})" if default else "there is none"
        description = f"The range that is right, {UNITS[check.unit]}. Without it, {otherwise}."
        lines += [f"    {name}:", "      type: str", f"      description: {_text(description)}"]
    return "".join(f"          {line}\n" for line in lines)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
