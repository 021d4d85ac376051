from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.artifacts import open_artifact
from ansible_collections.lifeboat.frappe.plugins.modules import staging_files

from tests.backup_sets import KEY, RUN, SITE, archive, archive_of, dump, encrypt, member, write_set
from tests.modules import run_module
from tests.site_to_recover import LIVE_FILES, SiteToRecover
from tests.tools.checkout import ROOT

TREE = f"./{SITE}/public/files"
RSS_LIMIT_BYTES = 300_000_000
MEMBERS = 100_000
# What tarfile remembers of a member takes 1,500 bytes and more.
BYTES_PER_MEMBER = 300
HOSTILE = {
    "out of the tree": [member(f"{TREE}/../../../../../escaped", b"x")],
    "absolute": [member("/tmp/escaped", b"x")],
    "through a link": [
        member(f"{TREE}/link", b"", type=tarfile.SYMTYPE, linkname="../../.."),
        member(f"{TREE}/link/escaped", b"x"),
    ],
    "hard link": [member(f"{TREE}/hard", b"", type=tarfile.LNKTYPE, linkname="../../site_config.json")],
    "device": [member(f"{TREE}/disk", b"", type=tarfile.BLKTYPE, devmajor=8)],
    "twice": [member(f"{TREE}/twice", b"1"), member(f"{TREE}/twice", b"2")],
}


@pytest.fixture
def site(tmp_path, mariadb_server, database):
    return SiteToRecover(tmp_path, mariadb_server.login, database, {"a": b"x"}, {"b": b"y"})


def everything_below(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if "state" not in path.relative_to(folder).parts
    }


@pytest.mark.promise(19)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_reaches_nothing_outside(site, tmp_path, name):
    site.artifacts["files"].write_bytes(archive_of([member(TREE), *HOSTILE[name]]))
    before = everything_below(tmp_path)
    result = run_module(staging_files, **site.options)
    assert result["error_code"] == "archive_refused"
    assert everything_below(tmp_path) == before
    assert site.live_files() == LIVE_FILES


@pytest.mark.promise(19)
def test_a_link_in_place_of_the_staging_folder_is_not_followed(site, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (site.site.path / ".lifeboat").symlink_to(outside)
    assert run_module(staging_files, **site.options)["error_code"] == "path_unsafe"
    assert list(outside.iterdir()) == []


def look_in_a_process_of_its_own(folder: Path, **options: int) -> tuple[str, int, int]:
    """Return the verdict on the one set of a folder, and the peak of the memory of the process before and after."""
    program = (
        "import json, sys, re; sys.path.insert(0, sys.argv[1]); import conftest; from pathlib import Path\n"
        "from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import catalogue\n"
        "from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.verification import verify_set\n"
        "def peak():\n"
        "    return int(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text()).group(1)) * 1024\n"
        "before = peak()\n"
        "(found,) = catalogue([Path(sys.argv[2])])\n"
        "found = verify_set(found, 'structure', **json.loads(sys.argv[3]))\n"
        "print(found.verdict, *found.reasons)\n"
        "print(before, peak())\n"
    )
    arguments = [str(ROOT), str(folder), json.dumps(options)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    verdict, peaks = done.stdout.splitlines()
    before, after = map(int, peaks.split())
    return verdict, before, after


def header_of(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.type = kind
    return info.tobuf(tarfile.GNU_FORMAT)


DIGITS = "0000000"
NUMBERED = header_of(f"{TREE}/{DIGITS}")
DIGITS_END = len(TREE) + 1 + len(DIGITS)
CHECKSUM = slice(148, 154)


def numbered_header(number: int) -> bytes:
    """Return the header of an empty file, much faster than tarfile does."""
    digits = f"{number:07}".encode()
    checksum = int(NUMBERED[CHECKSUM], 8) + sum(digits) - len(digits) * ord("0")
    start = DIGITS_END - len(digits)
    return NUMBERED[:start] + digits + NUMBERED[DIGITS_END : CHECKSUM.start] + b"%06o" % checksum + NUMBERED[154:]


@pytest.mark.promise(20)
def test_members_without_end_are_given_up_in_little_memory(tmp_path):
    path = write_set(tmp_path, files=b"-")["files"]
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(header_of(TREE, tarfile.DIRTYPE))
        for first in range(0, MEMBERS, 1000):
            stream.write(b"".join(map(numbered_header, range(first, first + 1000))))
    verdict, before_bytes, peak_bytes = look_in_a_process_of_its_own(tmp_path, member_limit=MEMBERS)
    assert verdict.startswith("broken")
    assert f"more than {MEMBERS} files and folders" in verdict
    assert peak_bytes - before_bytes < MEMBERS * BYTES_PER_MEMBER
    assert peak_bytes < RSS_LIMIT_BYTES


@pytest.mark.promise(20)
def test_a_gigabyte_of_zeros_in_a_megabyte_is_given_up(tmp_path):
    info, _content = member(f"{TREE}/zeros", b"")
    info.size = 10**10
    bomb = gzip.compress(info.tobuf(tarfile.GNU_FORMAT)) + gzip.compress(bytes(100_000_000)) * 12
    write_set(tmp_path, files=bomb)
    verdict, _before_bytes, peak_bytes = look_in_a_process_of_its_own(tmp_path)
    assert verdict.startswith("broken")
    assert "it holds more than" in verdict
    assert peak_bytes < RSS_LIMIT_BYTES


@pytest.mark.promise(20)
def test_a_dump_with_an_endless_row_is_given_up(tmp_path):
    endless_row = gzip.compress(b"INSERT INTO `tabDefaultValue` VALUES\n('") + gzip.compress(bytes(100_000_000)) * 12
    write_set(tmp_path, database=dump() + endless_row)
    verdict, _before_bytes, peak_bytes = look_in_a_process_of_its_own(tmp_path)
    assert verdict.startswith("broken")
    assert peak_bytes < RSS_LIMIT_BYTES


@pytest.mark.promise(21)
def test_the_key_is_nowhere_but_in_a_pipe(tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    path = tmp_path / f"{RUN}-database-enc.sql.gz"
    path.write_bytes(encrypt(os.urandom(3_000_000)))
    secret = KEY.encode()
    with open_artifact(path, KEY) as stream:
        stream.read(10)  # gpg now runs, and waits for a reader of the rest
        children = [pid for pid in Path("/proc").glob("[0-9]*") if parent_of(pid) == os.getpid()]
        assert not [child for child in children if secret in (child / "environ").read_bytes()]
        commands = {child: (child / "cmdline").read_bytes() for child in children}
        assert not [child for child, command in commands.items() if secret in command]
        gpg = [child for child, command in commands.items() if b"--passphrase-fd" in command]
        assert gpg
        written = [file for file in temporary.rglob("*") if file.is_file()]
        assert written
        assert not [file for file in written if secret in file.read_bytes()]
        assert {oct(folder.stat().st_mode & 0o777) for folder in temporary.iterdir()} == {"0o700"}
    assert list(temporary.iterdir()) == []
    assert not [child for child in gpg if child.exists()]


def parent_of(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it ended meanwhile
        return 0


@pytest.mark.promise(21)
def test_neither_a_result_nor_the_journal_tells_the_key(tmp_path, mariadb_server, database):
    site = SiteToRecover(tmp_path, mariadb_server.login, database, {"a": b"x"}, {}, key=KEY)
    for key in (KEY, "a wrong key"):
        result = run_module(staging_files, **site.options, encryption_key=key)
        texts = [str(result), *(path.read_text() for path in site.state_path.rglob("*.jsonl"))]
        assert not [text for text in texts if key in text]
        run_module(staging_files, **site.options, state="absent")
    assert archive({"a": b"x"})
