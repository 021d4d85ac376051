"""A site of a lab that is recovered to points in time, and what it was like at them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.site_values import switch_values
from ansible_collections.lifeboat.frappe.plugins.modules import (
    binlog_archive,
    site_backup,
    site_recovery,
    staging_database,
)

from tests.lab.lab import Lab
from tests.modules import run_module
from tests.whole_recovery import Content, WholeRecovery

SITE, NEIGHBOUR = "alpha.localhost", "beta.localhost"
# What the role database would set; the lab's server has MariaDB's own defaults otherwise.
LOGS_ROWS = {"binlog_format": "ROW"}
OF_THE_REPOSITORY = (site_backup, site_recovery, staging_database)


class PointInTimeSite(WholeRecovery):
    """Recovers a site of a lab to points in time, module by module as the role does.

    Args:
        lab: The bench, whose server logs rows.
        folder: Where the state and the repository go.
        site: The site.
    """

    def __init__(self, lab: Lab, folder: Path, site: str = SITE) -> None:
        super().__init__(lab, site, folder / "state")
        self.repository_path = folder / "repository"

    def call(self, module: ModuleType, **options: Any) -> dict[str, Any]:
        """Run a module that must not fail."""
        return super().call(module, **options, **self._repository_of(module))

    def refused(self, **options: Any) -> dict[str, Any]:
        """Begin a recovery that must be refused, in check mode; return what the module said."""
        return self.failed(site_recovery, check_mode=True, **options)

    def failed(self, module: ModuleType, **options: Any) -> dict[str, Any]:
        """Run a module that must fail; return what it said."""
        result = run_module(module, **{**self.options, **self._repository_of(module), **options})
        assert result["failed"], result
        return result

    def back_up(self, *kinds: str) -> str:
        """Make a set of the site; return its name."""
        return str(self.call(site_backup, kinds=list(kinds), reserve_bytes=0)["set"]["name"])

    def archive_logs(self) -> None:
        """Archive all that the server has logged."""
        login = {name: value for name, value in self.options.items() if name.startswith("login_")}
        result = run_module(binlog_archive, **login, repository_path=str(self.repository_path), flush=True)
        assert not result["failed"], result

    def write(self, *statements: str) -> str:
        """Run statements as the site in one transaction; return its GTID."""
        with closing(self.lab.connect(self.site)) as connection:
            for statement in ("BEGIN", *statements, "COMMIT"):
                execute(connection, statement)
            return str(fetch_all(connection, "SELECT @@last_gtid")[0][0])

    def switches(self) -> dict[str, Any]:
        """Return the switches of maintenance that are in the configuration."""
        return switch_values(self.lab.site_config(self.site))

    def content(self) -> Content:
        """Return what is in the live site."""
        return self.live().content

    def _repository_of(self, module: ModuleType) -> dict[str, str]:
        return {"repository_path": str(self.repository_path)} if module in OF_THE_REPOSITORY else {}


def differing(found: Content, wanted: Content) -> set[str]:
    """Return the names of the tables and files that are not the same."""
    return {
        name
        for one, other in ((found.tables, wanted.tables), (found.files, wanted.files))
        for name in {*one, *other}
        if one.get(name) != other.get(name)
    }
