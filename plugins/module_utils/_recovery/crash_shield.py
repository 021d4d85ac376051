"""The crash shield: what nobody imported before is imported by a server of its own first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from .._mariadb.private_server import PrivateServer
from .._system.errors import LifeboatError
from .._system.files import make_private_folder
from .._system.progress import ProgressReporter
from .base_load import load_into
from .database_source import Origin
from .space import require_space
from .tablespace_source import LoadableTablespaces, TablespaceSource

SHIELD_DATABASE = "shield"
SHIELD_NAME, UNPACKED_NAME = "shield", "unpacked"
END_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class ShieldedSource:
    """Tables as files that no server has imported yet.

    A wrong file can kill the server that imports it, and with it every site of that server. So a private server imports
    them first and reads every row; the live server gets the same bytes afterwards, hashed again on their way.
    """

    inner: TablespaceSource

    @property
    def kind(self) -> str:
        """How it is loaded."""
        return self.inner.kind

    @property
    def origin(self) -> Origin:
        """What tells it apart from other sources."""
        return self.inner.origin

    @contextmanager
    def opened(self, scratch: Path, progress: ProgressReporter, /) -> Iterator[LoadableTablespaces]:
        """Prove the tables, then return them.

        Raises:
            LifeboatError: ``proof_failed`` when the private server did not survive them; what ``load_into`` raises.
        """
        try:
            make_private_folder(scratch)
            with self.inner.opened(scratch / UNPACKED_NAME, progress) as loadable:
                self._prove(loadable, scratch / SHIELD_NAME, progress)
                yield LoadableTablespaces(replace(loadable.source, reads_all=False))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _prove(self, loadable: LoadableTablespaces, folder: Path, progress: ProgressReporter) -> None:
        tablespaces, reserve_bytes = loadable.source.tablespaces, self.inner.reserve_bytes
        require_space(folder.parent, tablespaces.size_bytes, reserve_bytes)
        copied = LoadableTablespaces(replace(loadable.source, may_move=False))
        with PrivateServer(folder, {"innodb_page_size": tablespaces.page_size_bytes}) as server:
            try:
                load_into(server, copied, SHIELD_DATABASE, progress, reserve_bytes)
            except LifeboatError as error:
                exit_code = server.wait_for_end(END_TIMEOUT_SECONDS) if error.error_code == "mariadb_lost" else None
                if exit_code is None:
                    raise
                raise LifeboatError(
                    f"Refused the tables of {self.inner.folder}: a private server that imported them ended with exit "
                    f"code {exit_code} (a negative one is a signal). The live server has not seen them. Choose another "
                    "set.",
                    "proof_failed",
                    {"path": str(self.inner.folder), "exit_code": exit_code},
                ) from error
