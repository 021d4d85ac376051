"""The setting that several rules of the cleanup share. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

SETTING = "older_than_days"


def older_than_days(values: Mapping[str, Any], default: float, least: float = 0) -> float:
    """Return from which age on a rule takes something away.

    Args:
        values: The settings of the rule, which has no other one.
        default: The age where none is given.
        least: The lowest age that may be given.

    Raises:
        ValueError: There is another setting, or it is no number from ``least`` on.
    """
    if set(values) - {SETTING}:
        raise ValueError(f"it takes {SETTING}")
    try:
        days = float(values.get(SETTING, default))
    except TypeError:
        raise ValueError(f"{SETTING} is a number") from None
    if math.isnan(days) or days < least:
        raise ValueError(f"{SETTING} is not less than {least:g}")
    return days
