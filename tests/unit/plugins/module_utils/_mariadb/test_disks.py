"""disks: the file systems of a server's host, as the server tells."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any
from unittest.mock import patch

import pymysql
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb import disks
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.disks import Disk, disk_of, read_disks

ROOT = Disk(PurePosixPath("/"), 100, 10)
DATA = Disk(PurePosixPath("/var/lib/mysql"), 1000, 500)


def answers(found: Any) -> Any:
    """Let the server answer with rows, or with an error."""
    return patch.object(disks, "fetch_all", side_effect=[found])


def test_server_with_the_plugin_tells_in_kibibytes() -> None:
    with answers([("/", 4, 1), ("/data", 8, 2)]):
        assert read_disks(None) == [Disk(PurePosixPath("/"), 4096, 1024), Disk(PurePosixPath("/data"), 8192, 2048)]


def test_server_without_the_plugin_tells_nothing() -> None:
    with answers(pymysql.err.OperationalError(1109, "Unknown table 'DISKS'")):
        assert read_disks(None) == []
    with answers(pymysql.err.OperationalError(2013, "Lost connection")), pytest.raises(pymysql.err.OperationalError):
        read_disks(None)


def test_folder_is_on_the_file_system_that_is_mounted_nearest() -> None:
    assert disk_of("/var/lib/mysql/", [DATA, ROOT]) == DATA
    assert disk_of("/var/lib/mysql2", [DATA, ROOT]) == ROOT
    assert disk_of("/var/lib/mysql/tmp", [ROOT, DATA]) == DATA
    assert disk_of("/tmp", [DATA]) is None
