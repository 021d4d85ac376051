"""What is remembered of a site's schema between runs: the watch of its indexes, and those in quarantine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..._recovery.journal import state_folder
from ..._system.errors import LifeboatError
from ..._system.files import make_private_folder, write_json_atomically
from .quarantine import Entry
from .statement_use import StatementsBefore, StatementWatch, statements_as_dict, statements_from_dict
from .usage import IndexKey, Watch, watch_as_dict, watch_from_dict

STATE_NAME = "schema.json"
DROPPED_KEPT = 100


@dataclass(frozen=True)
class SchemaState:
    """What is remembered.

    Attributes:
        watch: What was counted so far; None where nothing is.
        entries: The indexes in quarantine, by table and name.
        dropped: Those that were dropped, each with ``table``, ``index``, ``create_statement`` and ``at``.
        returned: Why those that came back by themselves did; only who names them may try them again.
        statements: Which statements ran so far; None where nobody tells.
    """

    watch: Watch | None = None
    entries: Mapping[IndexKey, Entry] = field(default_factory=dict)
    dropped: tuple[Mapping[str, Any], ...] = ()
    returned: Mapping[IndexKey, str] = field(default_factory=dict)
    statements: StatementWatch | None = None

    def with_entry(self, entry: Entry) -> SchemaState:
        """Return the state with an entry, in the place of that of the same index."""
        return replace(self, entries={**self.entries, entry.key: entry})

    def without(self, key: IndexKey) -> SchemaState:
        """Return the state without an entry."""
        return replace(self, entries={other: entry for other, entry in self.entries.items() if other != key})

    def with_returned(self, entry: Entry, reason: str) -> SchemaState:
        """Return the state with an index that is in use again."""
        return replace(self.without(entry.key), returned={**self.returned, entry.key: reason})

    def with_dropped(self, entry: Entry, at: float) -> SchemaState:
        """Return the state with an index that is gone, and what makes it again."""
        line = {"table": entry.table, "index": entry.index, "create_statement": entry.create_statement, "at": at}
        return replace(self.without(entry.key), dropped=(*self.dropped, line)[-DROPPED_KEPT:])


class StateFile:
    """The file with the state of a site.

    Args:
        state_path: The folder of the collection's state.
        site: The name of the site.
    """

    def __init__(self, state_path: Path, site: str) -> None:
        self.path = state_folder(state_path, site) / STATE_NAME

    def read(self) -> SchemaState:
        """Return what is remembered; nothing where there is no file.

        Raises:
            LifeboatError: ``schema_state_invalid``: it may name ignored indexes, so it is not simply begun anew.
        """
        try:
            values = json.loads(self.path.read_bytes())
            watch = None if values["watch"] is None else watch_from_dict(values["watch"])
            entries = [_entry_from_dict(entry) for entry in values["entries"]]
            returned = {(table, index): reason for table, index, reason in values["returned"]}
            statements = statements_from_dict(values.get("statements"))
            return SchemaState(
                watch, {entry.key: entry for entry in entries}, tuple(values["dropped"]), returned, statements
            )
        except FileNotFoundError:
            return SchemaState()
        except (ValueError, KeyError, TypeError) as error:
            raise LifeboatError(
                f"Cannot read {self.path}: it is not what database_schema wrote there. It says which indexes are in "
                "quarantine, so put it back from a backup of the host. Without one, look for ignored indexes "
                "(information_schema.STATISTICS, IGNORED = 'YES'), let them be used again, then delete the file.",
                "schema_state_invalid",
            ) from error

    def write(self, state: SchemaState) -> None:
        """Write what is to be remembered, durably.

        Raises:
            LifeboatError: ``disk_space``: no index is changed that could not be written down.
        """
        watch = None if state.watch is None else watch_as_dict(state.watch)
        values = {
            "watch": watch,
            "entries": [asdict(entry) for entry in state.entries.values()],
            "dropped": list(state.dropped),
            "returned": [[*key, reason] for key, reason in state.returned.items()],
            "statements": statements_as_dict(state.statements),
        }
        try:
            make_private_folder(self.path.parent)
            write_json_atomically(self.path, values)
        except OSError as error:
            raise LifeboatError(
                f"Cannot write down in {self.path} which indexes are in quarantine ({error.strerror}); none is changed "
                "without that. Make room there, or let this account write there, then run this again.",
                "disk_space",
                {"path": str(self.path)},
            ) from error


def _entry_from_dict(values: Mapping[str, Any]) -> Entry:
    """Return the entry that was written; an earlier release wrote nothing of statements."""
    before = values.get("before", {})
    uses = {str(name): (int(calls), int(rows)) for name, (calls, rows) in before.get("uses", {}).items()}
    return Entry(**{**values, "before": StatementsBefore(before.get("since", 0.0), uses)})
