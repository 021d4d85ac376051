"""What a whole recovery shows of passwords, keys and rows: nothing, whether it succeeds or fails."""

from __future__ import annotations

import gzip
import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute, fetch_all

from tests.lab.lab import Lab
from tests.process_samples import sampled_processes
from tests.whole_recovery import playbook_process

SITE = "alpha.localhost"
ROW = f"a customer's secret {secrets.token_hex(8)}"
STATEMENT = f"GRANT ALL ON *.* TO `intruder` IDENTIFIED BY '{secrets.token_hex(8)}';\n"


@dataclass(frozen=True)
class Prepared:
    """A bench whose site holds a row that is known, and an encrypted and a plain set of it."""

    lab: Lab
    encrypted: Path
    plain: Path

    def words(self) -> set[str]:
        """Everything that must not be seen, of the site as it is now."""
        configuration = self.lab.site_config(SITE)
        keys = {configuration[name] for name in ("db_password", "encryption_key", "backup_encryption_key")}
        with closing(self.lab.connect(SITE)) as connection:
            stored = {str(row[0]) for row in fetch_all(connection, "SELECT password FROM `__Auth`")}
        return keys | stored | {str(self.lab.login.login_password), ROW, STATEMENT}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    folder = tmp_path_factory.mktemp("secrets")
    with Lab(folder / "lab", services=False, sites=(SITE,)) as lab:
        with closing(lab.connect(SITE)) as connection:
            execute(connection, "UPDATE tabNote SET content = %s", (ROW,))
        lab.backup(SITE, encrypted=True, folder=folder / "encrypted")
        lab.backup(SITE, folder=folder / "plain")
        yield Prepared(lab, folder / "encrypted", folder / "plain")
    shutil.rmtree(folder)


def truncated(packed: bytes) -> bytes:
    return packed[: len(packed) // 2]


def with_a_foreign_statement(packed: bytes) -> bytes:
    text = gzip.decompress(packed)
    at = text.index(b"INSERT INTO `tabNote`")
    return gzip.compress(text[:at] + STATEMENT.encode() + text[at:])


def with_a_row_twice(packed: bytes) -> bytes:
    text = gzip.decompress(packed)
    row = text[text.index(b"INSERT INTO `tabNote`") :].split(b";\n", maxsplit=1)[0] + b";\n"
    return gzip.compress(text.replace(row, row + row))


def assert_nothing_is_shown(prepared: Prepared, folder: Path, exit_code_is_good: bool, backups: Path) -> str:
    """Recover from a set and look everywhere; return the output."""
    lab, temporary, shown = prepared.lab, folder / "temporary", set()
    words = prepared.words()
    variables = {"site": SITE, "again": True, "lifeboat_backup_paths": [str(backups)]}
    with sampled_processes(shown, temporary), playbook_process(lab, folder, variables, "-vvv") as process:
        output, _nothing = process.communicate()
    assert (process.returncode == 0) is exit_code_is_good, output
    kept = set(lab.state_path.rglob("kept/site_config.json"))
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept)
    places = (lab.state_path, lab.report_path, temporary, lab.bench_path / "logs", lab.site_path(SITE) / "logs")
    written = {path for place in places for path in place.rglob("*") if path.is_file()} - kept
    texts = [output, *shown, *(path.read_text(errors="replace") for path in (*written, lab.mariadb.error_log_path))]
    for word in words | prepared.words():
        assert [text[:200] for text in texts if word in text or json.dumps(word)[1:-1] in text] == []
    return output


@pytest.mark.promise(21)
def test_a_recovery_shows_no_secret_and_no_row(prepared: Prepared, tmp_path: Path) -> None:
    output = assert_nothing_is_shown(prepared, tmp_path, True, prepared.encrypted)
    assert "was recovered" in output


@pytest.mark.promise(21)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (truncated, "it is truncated"),
        (with_a_foreign_statement, "it holds GRANT"),
        (with_a_row_twice, "Cannot load tabNote"),
    ],
)
def test_a_recovery_that_fails_shows_no_secret_and_no_row(
    prepared: Prepared, tmp_path: Path, spoil: Callable[[bytes], bytes], message: str
) -> None:
    backups = Path(shutil.copytree(prepared.plain, tmp_path / "spoiled"))
    (dump,) = backups.glob("*-database.sql.gz")
    dump.write_bytes(spoil(dump.read_bytes()))
    assert message in assert_nothing_is_shown(prepared, tmp_path, False, backups)
