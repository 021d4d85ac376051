"""What a server was like before its settings were changed: kept on the host until it is put back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ..._system.files import fsync_folder, make_private_folder, write_json_atomically

FOLDER = "database_settings"
_UNSAFE = re.compile(r"[^A-Za-z0-9.]+")


@dataclass(frozen=True)
class Kept:
    """What was before the first change.

    Attributes:
        path: The file of options that was, or is to be, written.
        text: What was in it; None where there was none.
        variables: The values of the running server, exactly as it told them.
        unfinished: Whether a run began to change something and did not come to its end.
        changed_at_seconds: When the last run that changed something came to its end, in Unix time.
    """

    path: str
    text: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    unfinished: bool = False
    changed_at_seconds: float = 0.0

    def with_originals(self, variables: Mapping[str, str]) -> Kept:
        """Return it with the values of further variables; what is known already stays, for it is older."""
        return replace(self, variables={**variables, **self.variables})


class KeptStore:
    """The place of what is kept of one server.

    Args:
        state_path: The folder of the collection's state.
        hostname: What the server calls its host.
        datadir: Its data directory, by which it is known however it is reached.
    """

    def __init__(self, state_path: Path, hostname: str, datadir: str) -> None:
        self.path = state_path / FOLDER / _UNSAFE.sub("-", f"{hostname}{datadir}").strip("-") / "previous.json"

    def read(self) -> Kept | None:
        """Return what is kept, or None where nothing was changed."""
        try:
            return Kept(**json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return None

    def write(self, kept: Kept) -> None:
        """Keep it, so that it is there after a power cut as well."""
        make_private_folder(self.path.parent)
        write_json_atomically(self.path, asdict(kept))

    def forget(self) -> None:
        """Remove what is kept: everything is as it was."""
        self.path.unlink(missing_ok=True)
        fsync_folder(self.path.parent)
