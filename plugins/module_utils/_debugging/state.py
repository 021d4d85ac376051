"""What debug mode has turned on, on the disk before the first change, for whoever ends it: timer or person."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .._mariadb.connection import LoginOptions
from .._recovery.journal import state_folder
from .._recovery.lock import SiteLock
from .._system.files import make_private_folder, write_atomically, write_json_atomically
from .variables import Change

# No site's name begins with a dash.
OWNER = "-debug"
STATE_NAME = "state.json"
LOGINS_NAME = "logins.json"
PROOF_NAME = "proof"
ENDED_NAME = "ended.json"
# A clock that is put right by less than this is no reason to end.
CLOCK_TOLERANCE_SECONDS = 300.0


@dataclass(frozen=True)
class SiteDebug:
    """A site in debug mode; times are seconds since the epoch.

    Attributes:
        values: The keys of its configuration that debug mode set.
        server: The address of its database server where that logs its slow statements for it, else "".
    """

    site: str
    bench_path: str
    minutes: int
    since: float
    until: float
    values: dict[str, Any]
    server: str = ""

    def is_over(self, now: float) -> bool:
        """Tell whether its time is over, or cannot be told because the clock was set back."""
        return now >= self.until or now < self.since - CLOCK_TOLERANCE_SECONDS


@dataclass(frozen=True)
class ServerDebug:
    """A server whose variables debug mode changed; ``log_path`` is "" where its log does not lie on this host."""

    address: str
    changes: dict[str, Change]
    log_path: str = ""


@dataclass(frozen=True)
class DebugState:
    """All that is in debug mode on this host.

    Attributes:
        min_free_percent: How much of a disk with logs has to be free for debug mode to begin.
        max_log_bytes: How large the slow log may become, with its old generation.
        proof: What the timer's program has to write down to show that it could end this.
    """

    sites: tuple[SiteDebug, ...] = ()
    servers: tuple[ServerDebug, ...] = ()
    min_free_percent: float = 0.0
    max_log_bytes: int = 0
    proof: str = ""

    @property
    def is_on(self) -> bool:
        """Whether there is anything to put back."""
        return bool(self.sites or self.servers)

    def site(self, name: str) -> SiteDebug | None:
        """Return what is on for a site, if anything."""
        return next((found for found in self.sites if found.site == name), None)

    def changes(self, address: str) -> Mapping[str, Change]:
        """Return what was changed on a server."""
        return next((server.changes for server in self.servers if server.address == address), {})

    def with_sites(self, sites: Iterable[SiteDebug]) -> DebugState:
        """Return the state with some sites added, or in place of what was on for them."""
        found = {site.site: site for site in (*self.sites, *sites)}
        return replace(self, sites=tuple(found.values()))

    def with_servers(self, servers: Iterable[ServerDebug]) -> DebugState:
        """Return the state with some servers added, or in place of what was known of them."""
        found = {server.address: server for server in (*self.servers, *servers)}
        return replace(self, servers=tuple(found.values()))

    def without_sites(self, names: Collection[str]) -> DebugState:
        """Return the state without some sites."""
        return replace(self, sites=tuple(found for found in self.sites if found.site not in names))

    def without_server(self, address: str) -> DebugState:
        """Return the state without a server."""
        return replace(self, servers=tuple(server for server in self.servers if server.address != address))

    def idle_servers(self) -> list[ServerDebug]:
        """Return the servers that no site in debug mode needs any more."""
        needed = {site.server for site in self.sites}
        return [server for server in self.servers if server.address not in needed]


@dataclass(frozen=True)
class Ended:
    """How the last debug mode on this host ended.

    Attributes:
        at: Seconds since the epoch.
        reason: Why, for people.
        notes: What stayed as somebody else had changed it, and what was gone.
        files: What it gathered: ``path`` and ``bytes`` of each file.
        slow_logs: Where the slow logs are that debug mode had made.
    """

    at: float
    reason: str
    notes: tuple[str, ...] = ()
    files: tuple[dict[str, Any], ...] = ()
    slow_logs: tuple[str, ...] = ()


class StateFiles:
    """The files of debug mode in the folder of the collection's state.

    Args:
        state_path: The folder of the collection's state.
    """

    def __init__(self, state_path: Path) -> None:
        self.state_path = state_path
        self._folder = state_folder(state_path, OWNER)

    @property
    def lock(self) -> SiteLock:
        """The lock of debug mode on this host."""
        return SiteLock(self.state_path, OWNER)

    def read(self) -> DebugState:
        """Return what is on; nothing where there is no state."""
        found = self._read_json(STATE_NAME)
        if found is None:
            return DebugState()
        sites = tuple(SiteDebug(**site) for site in found.pop("sites"))
        servers = tuple(
            ServerDebug(
                server["address"],
                {name: Change(one["before"], tuple(one["values"])) for name, one in server["changes"].items()},
                server["log_path"],
            )
            for server in found.pop("servers")
        )
        return DebugState(sites=sites, servers=servers, **found)

    def write(self, state: DebugState) -> None:
        """Write what is on, durably; the files go where nothing is on any more, and with them the login."""
        path = self._folder / STATE_NAME
        if state.is_on or path.exists():
            make_private_folder(self._folder)
            write_json_atomically(path, asdict(state))
        if not state.is_on:
            # The state goes last: who finds one looks for a login that a kill has left behind.
            for name in (LOGINS_NAME, PROOF_NAME, STATE_NAME):
                (self._folder / name).unlink(missing_ok=True)

    def read_logins(self) -> dict[str, LoginOptions]:
        """Return how to reach the servers, by their addresses."""
        return {address: LoginOptions(**login) for address, login in (self._read_json(LOGINS_NAME) or {}).items()}

    def write_logins(self, logins: Mapping[str, LoginOptions]) -> None:
        """Keep how to reach the servers, for root alone; it may hold a password."""
        make_private_folder(self._folder)
        write_json_atomically(self._folder / LOGINS_NAME, {name: asdict(login) for name, login in logins.items()})

    def read_proof(self) -> str:
        """Return what the timer's program wrote down last."""
        path = self._folder / PROOF_NAME
        return path.read_text() if path.exists() else ""

    def write_proof(self, proof: str) -> None:
        """Write down that the timer's program could end debug mode."""
        write_atomically(self._folder / PROOF_NAME, proof.encode())

    def read_ended(self) -> Ended | None:
        """Return how the last debug mode ended, if there was one."""
        found = self._read_json(ENDED_NAME)
        if found is None:
            return None
        return Ended(
            found["at"], found["reason"], tuple(found["notes"]), tuple(found["files"]), tuple(found["slow_logs"])
        )

    def write_ended(self, ended: Ended) -> None:
        """Write down how debug mode ended."""
        write_json_atomically(self._folder / ENDED_NAME, asdict(ended))

    def _read_json(self, name: str) -> Any:
        path = self._folder / name
        return json.loads(path.read_bytes()) if path.exists() else None
