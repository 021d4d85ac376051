"""Which checks a run takes, and whether what the user says about them can be meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .._system.errors import LifeboatError
from .ranges import parse_range
from .registry import Check


def select_checks(
    checks: Iterable[Check], subjects: Collection[str], only: Collection[str], skip: Collection[str]
) -> list[Check]:
    """Return the checks of some subjects, or some by id.

    Args:
        checks: Those to choose from.
        subjects: Their subjects; empty for all.
        only: Their ids; empty for all.
        skip: The ids of those to leave out.

    Raises:
        LifeboatError: ``check_unknown``.
    """
    checks = list(checks)
    require_known([*only, *skip], {check.id for check in checks})
    return [
        check
        for check in checks
        if (not subjects or check.subject in subjects) and (not only or check.id in only) and check.id not in skip
    ]


def require_known(ids: Iterable[str], known: Collection[str]) -> None:
    """Refuse ids of checks that do not exist.

    Raises:
        LifeboatError: ``check_unknown``.
    """
    unknown = sorted(set(ids) - set(known))
    if unknown:
        raise LifeboatError(
            f"Cannot find the checks {', '.join(unknown)}: no check has such an id. docs/checks.md lists them all.",
            "check_unknown",
            {"ids": unknown},
        )


def read_thresholds(
    given: Mapping[str, Mapping[str, str | float | None]], known: Collection[str]
) -> dict[str, dict[str, str]]:
    """Read the user's thresholds: by check id, ``warning`` and ``critical``; an empty text switches that one off.

    Raises:
        LifeboatError: ``check_unknown`` or ``threshold_invalid``.
    """
    require_known(given, known)
    thresholds: dict[str, dict[str, str]] = {}
    for check_id, ranges in given.items():
        if not isinstance(ranges, Mapping) or set(ranges) - {"warning", "critical"}:
            raise LifeboatError(
                f"Cannot use the thresholds of {check_id}: write them as a dictionary with warning, critical, or both.",
                "threshold_invalid",
            )
        thresholds[check_id] = {name: str(text) for name, text in ranges.items() if text is not None}
        for text in filter(None, thresholds[check_id].values()):
            parse_range(text)
    return thresholds
