from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.archives import (
    ArchiveLimits,
    ArchiveListing,
    ArchiveReader,
    list_archive,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import SITE, archive, archive_of, member

ROOT = f"./{SITE}/public/files"
LIMITS = ArchiveLimits(members=100, total_bytes=10_000_000)


def listing(content, kind="files", limits=LIMITS):
    return list_archive(ArchiveReader(io.BytesIO(content), "x.tar", kind, limits))


def refusal(content, kind="files", limits=LIMITS):
    with pytest.raises(LifeboatError) as failure:
        listing(content, kind, limits)
    return failure.value.error_code


@pytest.mark.parametrize("compressed", [False, True])
def test_files_and_their_bytes_are_counted(compressed):
    content = archive({"a.txt": b"x" * 1000, "folder/b ä.txt": b"", "folder/c": b"y" * 512}, compressed=compressed)
    assert listing(content) == ArchiveListing(SITE, 3, 1512)


def test_an_archive_without_files_is_one():
    assert listing(archive({})) == ArchiveListing(SITE, 0, 0)
    assert listing(bytes(10240)) == ArchiveListing(None, 0, 0)


@pytest.mark.parametrize("archive_format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_every_way_to_store_long_names_is_read(archive_format):
    stream = io.BytesIO()
    names = [f"{ROOT}/{'f' * 60}/{'n' * 90}", f"{ROOT}/plain"]
    if archive_format != tarfile.USTAR_FORMAT:
        names.append(f"{ROOT}/{'ä' * 120}/{'x' * 250}")
    with tarfile.open(fileobj=stream, mode="w", format=archive_format) as written:
        for name in names:
            info, content = member(name, b"content")
            written.addfile(info, io.BytesIO(content))
    found = []
    list_archive(ArchiveReader(io.BytesIO(stream.getvalue()), "x", "files", LIMITS), found.append)
    assert [b"/".join(one.parts).decode() for one in found] == [name[len(ROOT) + 1 :] for name in names]


def test_a_size_beyond_the_field_is_read_from_the_extended_header():
    info, content = member(f"{ROOT}/a", b"x" * 700)
    info.pax_headers = {"size": "700"}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as written:
        written.addfile(info, io.BytesIO(content))
    assert listing(stream.getvalue()) == ArchiveListing(SITE, 1, 700)


@pytest.mark.promise(19)
@pytest.mark.parametrize(
    "hostile",
    [
        [member(f"{ROOT}/../../../../etc/cron.d/x", b"x")],
        [member("/etc/passwd", b"x")],
        [member(f"/{SITE}/public/files/a", b"x")],
        [member("../site1.local/public/files/a", b"x")],
        [member(f"{ROOT}/a/./b", b"x")],
        [member(f"{ROOT}//a", b"x")],
        [member(f"{ROOT}/link", b"", type=tarfile.SYMTYPE, linkname="/etc")],
        [
            member(f"{ROOT}/link", b"", type=tarfile.SYMTYPE, linkname="/tmp"),
            member(f"{ROOT}/link/through", b"x"),
        ],
        [member(f"{ROOT}/hard", b"", type=tarfile.LNKTYPE, linkname="/etc/shadow")],
        [member(f"{ROOT}/disk", b"", type=tarfile.BLKTYPE, devmajor=8)],
        [member(f"{ROOT}/tty", b"", type=tarfile.CHRTYPE)],
        [member(f"{ROOT}/pipe", b"", type=tarfile.FIFOTYPE)],
        [member(f"{ROOT}/twice", b"1"), member(f"{ROOT}/twice", b"2")],
        [member(f"{ROOT}/twice", b"1"), member(f"{SITE}/public/files/twice")],
        [member(f"./{SITE}/private/files/a", b"x")],
        [member(f"./{SITE}/site_config.json", b"{}")],
        [member(f"./{SITE}/public")],
        [member(f"./{SITE}/public/files", b"a file")],
        [member(f"{ROOT}/a", b"x"), member("./other.site/public/files/b", b"x")],
        [member("./../public/files/a", b"x")],
        [member(f"{ROOT}/{'n' * 256}", b"x")],
        [member(f"{ROOT}/{'/'.join(['d' * 200] * 21)}", b"x")],
    ],
)
def test_what_a_backup_of_files_never_holds_is_refused(hostile):
    assert refusal(archive_of(hostile)) == "archive_refused"


def sparse():
    info, content = member(f"{ROOT}/sparse", b"x")
    info.pax_headers = {"GNU.sparse.major": "1"}
    return tarfile_bytes(info, content)


def tarfile_bytes(info, content):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as written:
        written.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def test_sparse_files_and_absurd_names_are_refused():
    assert refusal(sparse()) == "archive_refused"
    assert refusal(archive_of([member(f"{ROOT}/s", b"", type=tarfile.GNUTYPE_SPARSE)])) == "archive_refused"
    assert refusal(archive_of([member("L", b"x" * 70_000, type=tarfile.GNUTYPE_LONGNAME)])) == "archive_refused"


@pytest.mark.parametrize("record", [b"11 path=abc", b"x path=a\n", b"99 path=a\n", b"8 patha\n"])
def test_a_damaged_extended_header_is_corrupt(record):
    assert refusal(archive_of([member("x", record, type=tarfile.XHDTYPE)])) == "artifact_corrupt"


@pytest.mark.parametrize("compressed", [False, True])
def test_a_cut_archive_is_truncated_wherever_it_was_cut(compressed):
    content = archive({"a": b"x" * 3000, "b": bytes(range(256)) * 20}, compressed=compressed)
    end = len(content) if compressed else len(content.rstrip(b"\0")) + 512
    for cut in range(0, end, 97):
        assert refusal(content[:cut]) == "artifact_truncated", cut


def test_a_damaged_header_in_the_middle_is_not_taken_for_the_end():
    content = bytearray(archive({"a": b"x" * 600, "b": b"y"}))
    second = content.index(b"files/b")
    content[second] ^= 1
    assert refusal(bytes(content)) == "artifact_corrupt"


def test_data_behind_the_end_is_corrupt():
    content = archive({"a": b"x"})
    assert refusal(content + archive({"b": b"y"})) == "artifact_corrupt"
    assert refusal(gzip.compress(content) + b"more") == "artifact_corrupt"


def test_a_negative_size_is_corrupt():
    content = bytearray(archive({"a": b"x"}))
    info = tarfile.TarInfo.frombuf(bytes(content[512:1024]), "utf-8", "strict")
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 12
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    assert refusal(bytes(content[:512] + block + content[1024:])) == "artifact_corrupt"


def test_a_damaged_compressed_archive_is_corrupt():
    content = bytearray(archive({"a": bytes(range(256)) * 40}, compressed=True))
    content[-6] ^= 1
    assert refusal(bytes(content)) == "artifact_corrupt"


@pytest.mark.promise(20)
def test_an_archive_with_too_many_members_or_bytes_is_given_up():
    content = archive({str(number): b"" for number in range(100)})
    assert refusal(content) == "artifact_too_large"
    zeros = gzip.compress(archive({"zeros": bytes(11_000_000)}))
    assert refusal(zeros) == "artifact_too_large"


def test_an_error_of_the_disk_is_not_taken_for_damage():
    class FailingDisk(io.BytesIO):
        def read(self, size=-1, /):
            if self.tell() > 1000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(OSError, match="Input/output"):
        list_archive(ArchiveReader(FailingDisk(archive({"a": b"x" * 5000})), "x", "files", LIMITS))


def test_limits_follow_the_size_of_the_artifact():
    assert ArchiveLimits.for_artifact(1) == ArchiveLimits(1_000_000, 1 << 30)
    assert ArchiveLimits.for_artifact(10**9, 5) == ArchiveLimits(5, 200 * 10**9)
