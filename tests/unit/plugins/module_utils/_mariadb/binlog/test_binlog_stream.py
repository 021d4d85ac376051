"""A log as a stream, plain and compressed, whole and damaged."""

from __future__ import annotations

import gzip
import subprocess

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.stream import open_binlog
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

CONTENT = b"\xfebin" + bytes(range(256)) * 20_000


def zstd(content: bytes) -> bytes:
    return subprocess.run(["zstd", "-c"], input=content, capture_output=True, check=True).stdout


def read(path):
    with open_binlog(path) as stream:
        return stream.read(4) + b"".join(iter(lambda: stream.read(100_000), b""))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd])
def test_each_form_reads_alike(tmp_path, pack):
    path = tmp_path / "log"
    path.write_bytes(pack(CONTENT))
    assert read(path) == CONTENT


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_damaged_file_is_told(tmp_path, pack):
    path = tmp_path / "log"
    packed = pack(CONTENT)
    for damaged in (packed[:-9], packed[: len(packed) // 2] + b"damage" + packed[len(packed) // 2 + 6 :]):
        path.write_bytes(damaged)
        with pytest.raises(LifeboatError, match="cannot be decompressed") as caught:
            read(path)
        assert caught.value.error_code == "binlog_damaged"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd])
def test_who_stops_reading_leaves_no_process(tmp_path, pack):
    path = tmp_path / "log"
    path.write_bytes(pack(CONTENT))
    with open_binlog(path) as stream:
        assert stream.read(4) == CONTENT[:4]
    with pytest.raises(ZeroDivisionError), open_binlog(path) as stream:
        raise ZeroDivisionError


def test_without_zstd(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_bytes(zstd(CONTENT))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LifeboatError, match="Install zstd") as caught, open_binlog(path):
        pass
    assert caught.value.error_code == "command_missing"


def test_a_file_that_cannot_be_opened(tmp_path):
    with pytest.raises(LifeboatError, match="No such file") as caught, open_binlog(tmp_path / "binlog.000001"):
        pass
    assert (caught.value.error_code, caught.value.details) == ("binlog_missing", {"file": "binlog.000001"})
