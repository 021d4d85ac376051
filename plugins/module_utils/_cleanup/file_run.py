"""Taking the files of a plan away one after another, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from .guard import Guard
from .items import Item
from .pace import PACED_FILES, wait_for_disk
from .quarantine import Quarantine
from .removal import GONE, QUARANTINED, REMOVED, RESTORED, take_away
from .tasks import TaskContext

STAYED_SHOWN = 100


@dataclass
class FilesDone:
    """What became of some files.

    Attributes:
        outcomes: How many ended how.
        stayed: The first hundred that stayed, each by its ``path`` and the ``reason``.
        removed: Those that are gone for good.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    stayed: list[dict[str, str]] = field(default_factory=list)
    removed: list[Item] = field(default_factory=list)

    def note(self, item: Item, outcome: str) -> None:
        """Note how one ended."""
        self.outcomes[outcome] += 1
        if outcome == REMOVED:
            self.removed.append(item)
        elif outcome not in (QUARANTINED, RESTORED, GONE) and len(self.stayed) < STAYED_SHOWN:
            self.stayed.append({"path": item.path, "reason": outcome})

    @property
    def removed_bytes(self) -> int:
        """What the disk should have got back."""
        return sum(item.bytes for item in self.removed)


def take_files(
    items: Sequence[Item], quarantine: Quarantine | None, guard: Guard, context: TaskContext, deadline: float
) -> FilesDone:
    """Take files away, each looked at again, until the clock of the context reaches the deadline.

    While others wait for the disk, this waits. What is left then is counted under the reason.

    Args:
        items: The files of a plan, all of them: a file's number is its name in quarantine.
        quarantine: Where they wait; None to remove them for good.
        guard: What they must pass.
        context: The clock and the pauses.
        deadline: The time of the clock at which to stop.
    """
    done = FilesDone()
    for index, item in enumerate(items):
        if index and index % PACED_FILES == 0:
            wait_for_disk(context.root, deadline, context.clock, context.pause)
        why_over = context.why_over(deadline)
        if why_over:
            done.outcomes[why_over] = len(items) - index
            break
        done.note(item, guard.why_kept(item) or take_away(item, index, quarantine))
    return done
