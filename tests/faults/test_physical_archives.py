"""Archives of tables that were cut, changed, or made to fill a disk or the memory."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.tablespace_archive import unpack_tablespaces
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.tablespace_set import TablespaceFile
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import KEY, encrypt

# A table's name may be longer than what fits into the header of an archive.
CONTENTS = {"tabUser.ibd": b"pages" * 50_000, "tabUser.cfg": b"", f"tab{'@0020' * 40}.ibd": b"more pages" * 9}
FILES = {
    name: TablespaceFile(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in CONTENTS.items()
}


def tar(contents: dict[str, bytes], **fields: Any) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for field, value in fields.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def zstd(content: bytes) -> bytes:
    return subprocess.run(["zstd", "-q", "-1"], input=content, check=True, stdout=subprocess.PIPE).stdout


def unpack(tmp_path: Path, content: bytes, key: str | None = None) -> dict[str, bytes]:
    """Unpack an archive with this content, and return the files that it leaves."""
    archive, folder = tmp_path / "20261121-tablespaces.tar", tmp_path / "unpacked"
    archive.write_bytes(content)
    folder.mkdir(exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    unpack_tablespaces(archive, key, FILES, folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(tmp_path: Path, content: bytes, key: str | None = None) -> str:
    with pytest.raises(LifeboatError) as raised:
        unpack(tmp_path, content, key)
    return raised.value.error_code


@pytest.mark.parametrize("compressed", [False, True], ids=["tar", "zstd"])
@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_an_archive_gives_back_exactly_its_files(tmp_path, compressed, key):
    content = zstd(tar(CONTENTS)) if compressed else tar(CONTENTS)
    content = encrypt(content, key) if key else content
    assert unpack(tmp_path, content, key) == CONTENTS
    if key:
        assert refused(tmp_path, content, "another key") == "key_wrong"
        assert refused(tmp_path, content) == "key_missing"


@pytest.mark.promise(1)
@pytest.mark.parametrize("compressed", [False, True], ids=["tar", "zstd"])
@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_a_cut_archive_is_refused(tmp_path, compressed, key):
    whole = zstd(tar(CONTENTS)) if compressed else tar(CONTENTS).rstrip(b"\0") + bytes(1024)
    whole = encrypt(whole, key) if key else whole
    for length in [len(whole) * part // 8 for part in range(8)] + [len(whole) - 600, len(whole) - 1]:
        assert refused(tmp_path, whole[:length], key) in ("artifact_truncated", "artifact_corrupt", "key_wrong")


@pytest.mark.promise(3)
def test_no_flipped_bit_of_an_archive_becomes_a_file(tmp_path):
    whole = tar(CONTENTS)
    for position in range(0, len(whole), len(whole) // 150):
        changed = bytearray(whole)
        changed[position] ^= 1 << position % 8
        try:
            found = unpack(tmp_path, bytes(changed))
        except LifeboatError:
            continue
        assert found == CONTENTS, position


HOSTILE = {
    "another file": tar({**CONTENTS, "ib_logfile0": b"x"}),
    "a path": tar({"../tabUser.ibd": CONTENTS["tabUser.ibd"]}),
    "a folder": tar({"tabUser.ibd": b""}, type=tarfile.DIRTYPE),
    "a link": tar({"tabUser.ibd": b""}, type=tarfile.SYMTYPE, linkname="/etc/shadow"),
    "a device": tar({"tabUser.ibd": b""}, type=tarfile.CHRTYPE),
    "another size": tar({"tabUser.ibd": b"short"}),
    "a file twice": tar(CONTENTS)[:-10240] + tar(CONTENTS),
}


@pytest.mark.promise(19)
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_archive_with_anything_else_is_refused(tmp_path, content):
    assert refused(tmp_path, content) in ("archive_refused", "artifact_corrupt")
    assert {path.name for path in (tmp_path / "unpacked").iterdir()} <= set(CONTENTS)


def test_an_archive_without_one_of_its_files_is_refused(tmp_path):
    contents = {name: content for name, content in CONTENTS.items() if name != "tabUser.cfg"}
    assert refused(tmp_path, tar(contents)) == "artifact_truncated"


MEASURED = """
import importlib, pathlib, re, sys
sys.path.insert(0, {root!r})
import conftest
from tests.faults.test_physical_archives import FILES
utils = "ansible_collections.lifeboat.frappe.plugins.module_utils."
unpack_tablespaces = importlib.import_module(utils + "_backups.tablespace_archive").unpack_tablespaces
LifeboatError = importlib.import_module(utils + "_system.errors").LifeboatError
before = int(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text()).group(1))
try:
    unpack_tablespaces(pathlib.Path({archive!r}), None, FILES, pathlib.Path({folder!r}))
except LifeboatError as error:
    print(error.error_code)
after = int(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text()).group(1))
print(after - before)
"""


def zeros_behind_the_end() -> bytes:
    return zstd(tar(CONTENTS)) + zstd(bytes(512 << 20))


def a_name_of_a_gigabyte() -> bytes:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    return zstd(header.tobuf()) + zstd(b"n" * (512 << 20))


@pytest.mark.promise(20)
@pytest.mark.parametrize("bomb", [zeros_behind_the_end, a_name_of_a_gigabyte])
def test_a_bomb_is_given_up_in_little_memory(tmp_path, bomb):
    archive, folder = tmp_path / "bomb.tar.zst", tmp_path / "unpacked"
    archive.write_bytes(bomb())
    folder.mkdir()
    program = MEASURED.format(root=str(Path(__file__).resolve().parents[2]), archive=str(archive), folder=str(folder))
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split()
    assert output[0] in ("artifact_too_large", "archive_refused")
    assert int(output[1]) < 64 * 1024
    assert sum(path.stat().st_size for path in folder.iterdir()) <= sum(map(len, CONTENTS.values()))
