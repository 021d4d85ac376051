from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.names import (
    ArtifactName,
    parse_artifact_name,
    site_slug,
)

TIME = "20261121_144508"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("-a_b-database.sql.gz", ArtifactName("database", TIME, "a_b", False, False)),
        ("-a_b-database-enc.sql.gz", ArtifactName("database", TIME, "a_b", False, True)),
        ("-a_b-partial-database.sql.gz", ArtifactName("database", TIME, "a_b", True, False)),
        ("-a_b-files.tar", ArtifactName("files", TIME, "a_b", False, False)),
        ("-a_b-files-enc.tgz", ArtifactName("files", TIME, "a_b", False, True)),
        ("-a_b-private-files.tgz", ArtifactName("private_files", TIME, "a_b", False, False)),
        ("-a_b-private-files-enc.tar", ArtifactName("private_files", TIME, "a_b", False, True)),
        ("-a_b-site_config_backup-enc.json", ArtifactName("site_config", TIME, "a_b", False, True)),
        ("-stream-database.sql.gz", ArtifactName("database", TIME, "stream", False, False)),
        ("-my-private-files-files.tar", ArtifactName("files", TIME, "my-private-files", False, False)),
        ("-my-database-database.sql.gz", ArtifactName("database", TIME, "my-database", False, False)),
        ("-a_b-database-enc.sql.gz.gpg", ArtifactName("database", TIME, "a_b", False, True)),
    ],
)
def test_names_of_bench_backup_are_understood(name, expected):
    assert parse_artifact_name(TIME + name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "unrelated.txt",
        f"{TIME}-a_b-database.truncated.sql.gz",
        f"{TIME}-a_b-database.sql",
        f"{TIME}-a_b-files.zip",
        f"x{TIME}-a_b-files.tar",
        f"{TIME}-a_b-files.tar\n",
        f"{TIME}--files.tar.gpg.gpg",
        f"{TIME}-database.sql.gz",
    ],
)
def test_other_names_are_not(name):
    assert parse_artifact_name(name) is None


def test_a_slug_is_lossy():
    assert site_slug("a.b") == site_slug("a_b") == "a_b"
