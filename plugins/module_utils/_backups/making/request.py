"""What a backup was asked to be, and what is planned from it; nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..._bench.layout import Site
from ..._mariadb.connection import LoginOptions
from ..._system.files import free_bytes
from ..chain import read_chain
from ..manifest import LOGICAL
from ..manifest_sets import leftovers, read_set, set_folders
from ..repository import Repository
from ..sets import BackupSet
from .derived_dump import TablespaceImporter
from .encryption import Encryption
from .files_archive import ARCHIVES, files_size_bytes
from .physical_part import TablespaceForm
from .plan import BackupPlan, Sizes, dump_bytes, needed_bytes, why_needed
from .source import Source


@dataclass(frozen=True)
class BackupRequest:
    """What was asked for.

    Attributes:
        site: The site.
        repository: Where its sets lie.
        login: The server and an account that may read all of the database and the binary log's state.
        import_tables: Imports files of tables into a server of our own.
        kinds: logical, physical or both.
        encryption: How the set is encrypted.
        decryption_key: What opens it again, for the proof; None where only others have it (age).
        form: How the files of tables are kept.
        max_age_seconds: How old the newest set may be before another is made; 0 for one in any case.
        reserve_bytes: What must stay free on the file system of the repository.
    """

    site: Site
    repository: Repository
    login: LoginOptions
    import_tables: TablespaceImporter
    kinds: tuple[str, ...] = (LOGICAL,)
    encryption: Encryption = field(default_factory=Encryption)
    decryption_key: str | None = field(default=None, repr=False)
    form: TablespaceForm = field(default_factory=TablespaceForm)
    max_age_seconds: int = 0
    reserve_bytes: int = 1024**3


def plan_backup(request: BackupRequest, source: Source, now: datetime) -> BackupPlan:
    """Return what a backup would do; nothing is written."""
    site_folder = request.repository.site_folder(request.site.name)
    earlier = _earlier_sets(request)
    newest = earlier[0] if earlier else None
    reason = why_needed(newest, source.database, request.kinds, request.encryption.method, request.max_age_seconds, now)
    return BackupPlan(
        needed=bool(reason),
        reason=reason or f"The newest set {newest.name if newest else ''} is new enough.",
        kinds=request.kinds,
        newest=newest.name if newest else "",
        removes=tuple(folder.name for folder in leftovers(site_folder)) if reason else (),
        needed_bytes=_needed_bytes(request, source, earlier) if reason else 0,
        free_bytes=free_bytes(next(path for path in (site_folder, *site_folder.parents) if path.exists())),
    )


def _earlier_sets(request: BackupRequest) -> list[BackupSet]:
    """Return the sets of the site in the repository, the one made last first, whatever the clock said."""
    site_folder = request.repository.site_folder(request.site.name)
    chain = read_chain(site_folder)
    found = (read_set(folder, chain) for folder in reversed(set_folders(site_folder)))
    return [backup for backup in found if backup is not None]


def _needed_bytes(request: BackupRequest, source: Source, earlier: Sequence[BackupSet]) -> int:
    sizes = Sizes(
        dump_bytes=dump_bytes(source.data_bytes, earlier),
        table_bytes=source.file_bytes,
        files_bytes=sum(files_size_bytes(request.site, kind) for kind, _title in ARCHIVES),
    )
    return needed_bytes(sizes, request.kinds, request.form.archived)
