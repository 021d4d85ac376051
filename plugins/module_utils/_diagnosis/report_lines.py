"""A diagnosis in a few lines, for whoever reads them in the night. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from .._checks.findings import OK, SKIPPED
from .fixes import Fix, FixPlan
from .problems import BROKEN, Diagnosis, Problem

MOST_ALSO = 8
MOST_FIXES = 10


def report_lines(
    site: str, before: Diagnosis, after: Diagnosis, plan: FixPlan, fixed: Sequence[Fix], *, fix: bool
) -> list[str]:
    """Return what to print: what is broken first and its command, what was mended, then what else was seen.

    Args:
        site: The site.
        before: What was wrong at first.
        after: What is wrong now; the same where nothing was mended.
        plan: What may be mended.
        fixed: What was mended.
        fix: Whether it was wanted to mend anything.
    """
    lines: list[str] = []
    if fixed and before.first is not None:
        lines.append(f"It was broken at {before.first.stage}: {_shown(before.first)}")
    lines += [f"  mended: {each.subject}: {each.before} -> {each.after}" for each in fixed[:MOST_FIXES]]
    lines += _more(fixed, "mended")
    lines += _now(site, after)
    if not fixed and plan.fixes:
        lines.append("Would be mended:" if fix else "This may be mended with -e fix=true:")
        lines += [
            f"  {each.subject}: {each.before} -> {each.after} ({each.reason})" for each in plan.fixes[:MOST_FIXES]
        ]
        lines += _more(plan.fixes, "to mend")
    lines += [f"Not mended: {reason}" for reason in plan.refused]
    return [*lines, *_also(after)]


def _now(site: str, diagnosis: Diagnosis) -> list[str]:
    if diagnosis.first is None:
        unknown = [stage for stage, state in diagnosis.states.items() if state not in (OK, SKIPPED)]
        if unknown:
            return [f"{site}: nothing broken was found, but it is not known how these are: {', '.join(unknown)}."]
        return [f"{site}: nothing keeps it from working."]
    stages = " > ".join(stage.upper() if state == BROKEN else stage for stage, state in diagnosis.states.items())
    first = diagnosis.first
    return [f"{site} IS BROKEN at {first.stage}   ({stages})", f"  what: {_shown(first)}", f"  mend: {first.command}"]


def _also(diagnosis: Diagnosis) -> list[str]:
    after = [f"  {problem.stage}: {_shown(problem)}" for problem in diagnosis.broken[1:]]
    seen = [f"  {problem.severity} {problem.check}: {_shown(problem)}" for problem in diagnosis.also]
    rest = len(seen) - MOST_ALSO
    lines = ["Broken as well, perhaps because of it:", *after] if after else []
    if seen:
        lines += ["Also seen:", *seen[:MOST_ALSO], *([f"  and {rest} more"] if rest > 0 else [])]
    return lines


def _shown(problem: Problem) -> str:
    return f"{problem.item}: {problem.text}" if problem.item else problem.text


def _more(fixes: Sequence[Fix], word: str) -> list[str]:
    rest = len(fixes) - MOST_FIXES
    return [f"  and {rest} more {word}"] if rest > 0 else []
