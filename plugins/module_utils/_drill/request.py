"""What a drill is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .._backups.catalogue import site_folders
from .._backups.repository import Repository
from .._backups.restic_repository import ResticRepository
from .._bench.layout import Site
from .._mariadb.connection import LoginOptions
from .point import NEWEST
from .trend import SLOWDOWN_LIMIT

OLDER_EVERY = 5
# Frappe's scheduler logs what it did every few minutes, so a site that is older was not alive, or not backed up.
FRESHNESS_SECONDS = 86400.0


@dataclass(frozen=True)
class DrillRequest:
    """What was asked for; the options of ``site_drill``.

    Attributes:
        site: The site.
        state_path: The folder of the collection's state.
        login: The server of the live site, which is only asked.
        repository: Where the collection's own sets lie.
        offsite: Where copies are fetched from and drilled in place of the host's own sets; None for those.
        paths: Folders with sets; empty for the site's own and the repository's.
        encryption_key: Opens encrypted artifacts.
        point: newest or random.
        recover_to: A set or a moment to drill; "" to choose.
        older_every: Which drill takes an older set; 0 for none.
        rto_budget_seconds: What a recovery may take; 0 for no budget.
        slowdown_limit: How many times the usual it may take; 0 for no limit.
        freshness_seconds: How much older than the recovery point the newest document may be; 0 for no limit.
        scratch_path: Where the scratch folder is made; None for the folder of the state.
        reserve_bytes: What must stay free there.
    """

    site: Site
    state_path: Path
    login: LoginOptions
    repository: Repository
    offsite: ResticRepository | None = None
    paths: tuple[Path, ...] = ()
    encryption_key: str | None = field(default=None, repr=False)
    point: str = NEWEST
    recover_to: str = ""
    older_every: int = OLDER_EVERY
    rto_budget_seconds: float = 0.0
    slowdown_limit: float = SLOWDOWN_LIMIT
    freshness_seconds: float = FRESHNESS_SECONDS
    scratch_path: Path | None = None
    reserve_bytes: int = 1024**3

    @property
    def scratch_base(self) -> Path:
        """The folder below which each site's scratch folders are made."""
        return self.scratch_path or self.state_path

    @property
    def set_folders(self) -> tuple[Path, ...]:
        """Where sets are looked for."""
        return self.paths or site_folders(self.site, self.repository)
