"""What a cleanup may take away: one record an item, the same in the plan, in its file and in the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FileIdentity:
    """What tells a file from every other one, and from itself after it was changed."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int


@dataclass(frozen=True)
class Item:
    """One file that is no longer needed.

    Attributes:
        rule: The rule that chose it.
        root: The folder that the rule looks after; the file is removed from below it, following no link.
        path: Its path, which lies below the root.
        bytes: What the disk gets back.
        age_seconds: Since it was changed.
        reason: Why it may go, for people.
        identity: What it was when it was chosen.
    """

    rule: str
    root: str
    path: str
    bytes: int
    age_seconds: int
    reason: str
    identity: FileIdentity

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**vars(self), "identity": vars(self.identity)}  # asdict is slow for thousands

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Item:
        """Read what ``as_dict`` returned; raises ``KeyError``, ``TypeError`` or ``ValueError`` on anything else."""
        return cls(**{**values, "identity": FileIdentity(**values["identity"])})
