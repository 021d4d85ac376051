"""What a drill proved, one finding a proof."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

OK, FAILED, SKIPPED = "ok", "failed", "skipped"
NAMES_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """The result of one proof.

    Attributes:
        name: What was proven, for example ``rows``.
        outcome: ok, failed or skipped.
        text: A sentence for people; never a row of data, never a secret.
    """

    name: str
    outcome: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON values."""
        return asdict(self)


def failed_texts(findings: Iterable[Finding]) -> list[str]:
    """Return the sentences of the proofs that failed."""
    return [finding.text for finding in findings if finding.outcome == FAILED]


def names_text(names: Iterable[str]) -> str:
    """Name the first of some tables, and say how many more there are."""
    ordered = sorted(names)
    more = len(ordered) - NAMES_SHOWN
    return ", ".join(ordered[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
