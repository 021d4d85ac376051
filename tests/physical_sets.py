"""Physical sets of a lab's site, made from its tables under a lock, without what a backup needs time for."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import (
    ManifestServer,
    ManifestTable,
    read_manifest,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import set_of_manifest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import read_server_facts
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.schema import read_schema
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.tablespace_set import (
    EXTENSIONS,
    TableFiles,
    TablespaceFile,
    TablespaceSet,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.digests import file_digest

from tests.backup_sets import encrypt, write_repository_set
from tests.lab.lab import Lab
from tests.lab.mariadb import MariaDBServer

RECOVERY = "20261121T031522Z-9f3a"


def copy_tables(server: MariaDBServer, database: str, folder: Path) -> TablespaceSet:
    """Copy the files of all tables of a database while they are locked."""
    folder.mkdir(parents=True)
    with closing(connect(server.login, database)) as connection:
        schema = read_schema(connection, database)
        names = ", ".join(quote_identifier(table.name) for table in schema.tables)
        execute(connection, f"FLUSH TABLES {names} FOR EXPORT")
        tables = []
        for table in schema.tables:
            files = []
            for ending in EXTENSIONS[table.engine]:
                path = folder / f"{table.file_stem}{ending}"
                shutil.copyfile(server.data_path / database / path.name, path)
                files.append(TablespaceFile(path.name, path.stat().st_size, file_digest(path)))
            tables.append(TableFiles(table.name, table.engine, tuple(files)))
        execute(connection, "UNLOCK TABLES")
        facts = read_server_facts(connection)
    return TablespaceSet(folder, database, schema, tuple(tables), facts.version, facts.page_size_bytes)


def write_physical_set(
    lab: Lab,
    site: str,
    site_folder: Path,
    name: str,
    *,
    archived: bool = False,
    compressed: bool = False,
    key: str = "",
    dump: bytes = b"",
    **changes: Any,
) -> Path:
    """Write a set of a site's tables as they are now, with the configuration, and return its folder.

    Args:
        lab: The lab.
        site: The site.
        site_folder: The site's folder in a repository.
        name: The set's name.
        archived: The files of tables are in one archive.
        compressed: That archive is compressed.
        key: Encrypts everything but the manifest; for archives.
        dump: A dump, for a set of both kinds.
        changes: Other values for fields of the manifest.
    """
    database = str(lab.site_config(site)["db_name"])
    with tempfile.TemporaryDirectory() as scratch:
        tables = copy_tables(lab.mariadb, database, Path(scratch, "tables"))
        tables.describe(Path(scratch, "schema.json"))
        contents = {path.name: path.read_bytes() for path in tables.folder.iterdir()}
        description = Path(scratch, "schema.json").read_bytes()
    files = {
        f"{name}-schema.json": ("schema", description),
        f"{name}-site_config_backup.json": ("site_config", (lab.site_path(site) / "site_config.json").read_bytes()),
    }
    if dump:
        files[f"{name}-database.sql.gz"] = ("database", dump)
    if archived:
        ending = ".zst" if compressed else ""
        files[f"{name}-tablespaces.tar{ending}"] = ("tablespaces", _archive(contents, compressed))
    else:
        files.update({f"tablespaces/{file}": ("tablespace", content) for file, content in contents.items()})
    if key:
        files = {path: (kind, encrypt(content, key)) for path, (kind, content) in files.items()}
    values: dict[str, Any] = {
        "kinds": ("logical", "physical") if dump else ("physical",),
        "database": database,
        "encryption": "gpg" if key else "",
        "server": ManifestServer(tables.server_version, tables.page_size_bytes, 1, "db", 3306),
        "tables": tuple(ManifestTable(table.name, table.engine) for table in tables.tables),
    }
    return write_repository_set(site_folder, name, files=files, **{**values, **changes})


def _archive(contents: dict[str, bytes], compressed: bool) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    if not compressed:
        return target.getvalue()
    return subprocess.run(["zstd", "-q", "-1"], input=target.getvalue(), check=True, stdout=subprocess.PIPE).stdout


def begin_physical(lab: Lab, site: str, set_folder: Path, state_path: Path) -> dict[str, Any]:
    """Begin a recovery of a site from a set with a manifest, and return the options of the modules that stage it."""
    backup = set_of_manifest(set_folder, read_manifest(set_folder))
    plan = {"set": backup.as_dict(), "replaces": {"exists": True, "db_name": lab.site_config(site)["db_name"]}}
    Journal.open(state_path, site, RECOVERY).append("recovery", "begin", plan=plan)
    return {**login_options(lab, site), "state_path": str(state_path), "recovery": RECOVERY, "reserve_bytes": 0}


def login_options(lab: Lab, site: str) -> dict[str, Any]:
    """Return the options that say which site it is and how to reach its server."""
    login = lab.login
    return {
        "site": site,
        "bench_path": str(lab.bench_path),
        "login_user": login.login_user,
        "login_password": login.login_password,
        "login_host": login.login_host,
        "login_port": login.login_port,
    }
