from __future__ import annotations

import gzip

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.encryption import Encryption
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.logical_part import (
    frappe_header,
    write_dump,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.set_writer import SetWriter
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.recovery_point import gzip_time
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench

from tests.backup_sets import FOOTER, HEADER, SQL

BEGAN_AT = 1795252400


class WrittenDump:
    """A dump that comes in pieces."""

    def __init__(self, sql):
        self._left = sql

    def read(self, size):
        piece_bytes = min(size, 7)
        content, self._left = self._left[:piece_bytes], self._left[piece_bytes:]
        return content


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path / "bench")
    bench.sites_path.mkdir(parents=True)
    (bench.sites_path / "apps.txt").write_text("frappe\nerpnext\n")
    (bench.apps_path / "frappe/frappe").mkdir(parents=True)
    (bench.apps_path / "frappe/frappe/__init__.py").write_text('__version__ = "15.55.1"\n')
    (bench.apps_path / "frappe/.git").mkdir()
    (bench.apps_path / "frappe/.git/HEAD").write_text("ref: refs/heads/version-15\n")
    return bench


def test_the_header_is_that_of_frappe(bench):
    assert frappe_header(bench) == HEADER


def test_a_dump_begins_with_the_header_and_says_when_it_began(bench, tmp_path):
    writer = SetWriter(tmp_path, "20261121_031522-a_b", Encryption())
    writer.begin()
    sql = f"{SQL}\n{FOOTER}".encode()
    sizes = []
    write_dump(writer, bench, WrittenDump(sql), BEGAN_AT, sizes.append)
    (path,) = writer.folder.iterdir()
    stored = path.read_bytes()
    assert path.name == "20261121_031522-a_b-database.sql.gz"
    assert gzip_time(stored[:8]) == BEGAN_AT
    assert gzip.decompress(stored) == HEADER.encode() + sql
    assert sum(sizes) == len(sql)
    assert writer.files[0].kind == "database"
