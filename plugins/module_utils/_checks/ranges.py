"""Threshold ranges in the syntax of the Monitoring Plugins' development guidelines (section "Threshold and Ranges")."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from .._system.errors import LifeboatError

_FORM = re.compile(r"(?P<inside>@)?(?:(?P<start>~|-?\d+(?:\.\d+)?)?(?P<colon>:))?(?P<end>-?\d+(?:\.\d+)?)?")


@dataclass(frozen=True)
class ThresholdRange:
    """The values that are right: ``start`` to ``end``, both included; ``is_inverted`` when those are the wrong ones."""

    start: float
    end: float
    is_inverted: bool = False

    def is_breached_by(self, value: float) -> bool:
        """Tell whether a value raises the alarm."""
        return (self.start <= value <= self.end) == self.is_inverted


def parse_range(text: str) -> ThresholdRange:
    """Read a range: ``10`` is right from 0 to 10, ``10:`` from 10 up, ``~:10`` up to 10, ``@10:20`` outside of both.

    Raises:
        LifeboatError: ``threshold_invalid``.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None or not (match["colon"] or match["end"]):
        raise _invalid(text)
    start = -math.inf if match["start"] == "~" else float(match["start"] or 0)
    end = math.inf if match["end"] is None else float(match["end"])
    if start > end:
        raise _invalid(text)
    return ThresholdRange(start, end, match["inside"] is not None)


def _invalid(text: str) -> LifeboatError:
    return LifeboatError(
        f"Cannot use {text!r} as a threshold: it is no range. Write 10 (at most 10), 10: (at least 10), ~:10, 10:20 or "
        "@10:20 (not from 10 to 20).",
        "threshold_invalid",
    )
