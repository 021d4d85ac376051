from __future__ import annotations

import io
import os
import random
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.archives import ArchiveLimits, ArchiveReader
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.artifacts import open_artifact
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import catalogue
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.extraction import extract_archive
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.verification import verify_set
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.files_proof import (
    Trees,
    compare_files,
    group_rows,
    refuse_damaged,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.beneath import folder_beneath
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.backup_sets import KEY, archive, dump, encrypt, write_set
from tests.site_to_recover import contents, row_of

SEEDS = 500
REFUSALS = {
    "archive_refused",
    "artifact_corrupt",
    "artifact_too_large",
    "artifact_truncated",
    "files_damaged",
    "key_wrong",
}
noise = random.Random(0)
FILES = {
    "text.txt": b"some text\n" * 300,
    "folder/image.png": noise.randbytes(3000),
    "folder/deep/ä.bin": noise.randbytes(700),
    "empty": b"",
}
ROWS = sorted(row_of(f"/files/{name}", content) for name, content in FILES.items())


def flip(content: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def recover(artifact: Path, destination: Path, key: str | None) -> dict[str, bytes]:
    """Take an archive the way staging does: decrypt, extract, prove."""
    destination.mkdir()
    limits = ArchiveLimits(members=1000, total_bytes=10_000_000)
    with open_artifact(artifact, key) as raw, folder_beneath(destination, ()) as tree:
        reader = ArchiveReader(raw, artifact.name, "files", limits)
        extract_archive(reader, tree, (os.getuid(), os.getgid()), lambda *_facts: None)
        proof = compare_files(group_rows(ROWS), Trees({"files": tree}), Trees({}), ProgressReporter())
    refuse_damaged(proof, accepted=False)
    found = contents(destination, ".")
    # What the database lists and the archive lacks is reported, not refused.
    assert proof.missing == len(FILES.keys() - found.keys())
    assert proof.missing == 0
    return found


@pytest.mark.promise(3)
@pytest.mark.parametrize("kind", ["tar", "tgz"])
def test_an_archive_with_a_flipped_bit_is_refused_or_restored_identical(tmp_path, kind):
    whole = archive(FILES, compressed=kind == "tgz")
    refused = 0
    for seed in range(SEEDS):
        artifact = tmp_path / f"{seed}.{kind}"
        artifact.write_bytes(flip(whole, seed))
        try:
            assert recover(artifact, tmp_path / str(seed), None) == FILES, seed
        except LifeboatError as error:
            assert error.error_code in REFUSALS, seed  # noqa: PT017 (either outcome is right)
            refused += 1
    assert refused > SEEDS // 3


@pytest.mark.promise(3)
def test_an_encrypted_archive_with_a_flipped_bit_is_refused_or_restored_identical(tmp_path):
    whole = encrypt(archive(FILES))
    for seed in range(SEEDS // 10):
        artifact = tmp_path / f"{seed}.tar"
        artifact.write_bytes(flip(whole, seed))
        try:
            assert recover(artifact, tmp_path / str(seed), KEY) == FILES, seed
        except LifeboatError as error:
            assert error.error_code in REFUSALS, seed  # noqa: PT017 (either outcome is right)


@pytest.mark.promise(3)
def test_a_dump_with_a_flipped_bit_is_never_complete_with_other_rows(tmp_path):
    whole = dump()
    (original,) = (verify_set(found, "content") for found in catalogue([write_set(tmp_path)["database"].parent]))
    for seed in range(SEEDS):
        write_set(tmp_path, database=flip(whole, seed))
        (found,) = (verify_set(backup, "content") for backup in catalogue([tmp_path]))
        if found.verdict == "complete":
            assert (found.rows, found.sql_bytes, found.versions) == (
                original.rows,
                original.sql_bytes,
                original.versions,
            ), seed


def test_the_whole_archive_is_restored_identical(tmp_path):
    for number, content in enumerate((archive(FILES), archive(FILES, compressed=True), encrypt(archive(FILES)))):
        artifact = tmp_path / f"{number}.tar"
        artifact.write_bytes(content)
        assert recover(artifact, tmp_path / str(number), KEY) == FILES
    assert io.BytesIO(content).read(1) == b"\x8c"
