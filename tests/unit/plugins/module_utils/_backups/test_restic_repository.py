"""How restic is called: what it gets to see, and what its failures mean. A program of the tests stands in for it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.restic_repository import (
    OffsiteAccess,
    ResticRepository,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

PASSWORD, KEY_ID, SECRET = "drowssap", "the key id", "the secret"
STAND_IN = """#!{python}
import json, os, pathlib, sys
folder = pathlib.Path({folder!r})
arguments = sys.argv[1:]
seen = {{
    "arguments": arguments,
    "environment": dict(os.environ),
    "password": pathlib.Path(arguments[arguments.index("--password-file") + 1]).read_text(),
}}
credentials = os.environ.get("AWS_SHARED_CREDENTIALS_FILE")
if credentials:
    # As a client of S3 may do it: more than once.
    seen["credentials"] = [pathlib.Path(credentials).read_text() for _time in range(2)]
with open(folder / "seen", "a") as stream:
    stream.write(json.dumps(seen) + "\\n")
answers = json.loads((folder / "answers").read_text())
exit_code, output, errors = answers.pop(0) if answers else (0, "", "")
(folder / "answers").write_text(json.dumps(answers))
sys.stdout.write(output)
sys.stderr.write(errors)
sys.exit(exit_code)
"""


class StandIn:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "restic"
        program.write_text(STAND_IN.format(python=sys.executable, folder=str(folder)))
        program.chmod(0o755)
        self.answer()

    def answer(self, *answers):
        (self.folder / "answers").write_text(json.dumps(answers))

    @property
    def seen(self):
        return [json.loads(line) for line in (self.folder / "seen").read_text().splitlines()]

    @property
    def actions(self):
        return [seen["arguments"][5] for seen in self.seen]


@pytest.fixture
def restic(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return StandIn(tmp_path)


def repository(**values):
    return ResticRepository(OffsiteAccess(**{"repository": "s3:https://host/bucket", "password": PASSWORD, **values}))


def refused(call, *arguments):
    with pytest.raises(LifeboatError) as failed:
        call(*arguments)
    return failed.value


@pytest.mark.promise(21)
def test_secrets_are_neither_arguments_nor_in_the_environment(restic):
    s3 = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
    repository(s3=s3, s3_region="eu").create()
    (seen,) = restic.seen
    assert (seen["password"], seen["credentials"][0]) == (PASSWORD, seen["credentials"][1])
    assert seen["credentials"][0] == f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
    assert seen["environment"]["AWS_DEFAULT_REGION"] == "eu"
    open_to_see = json.dumps([seen["arguments"], seen["environment"]])
    assert not [secret for secret in (PASSWORD, KEY_ID, SECRET) if secret in open_to_see]
    assert not [secret for secret in (PASSWORD, KEY_ID, SECRET) if secret in repr(OffsiteAccess("r", PASSWORD, s3))]


def test_without_credentials_restic_finds_its_own(restic):
    repository().create()
    assert "AWS_SHARED_CREDENTIALS_FILE" not in restic.seen[0]["environment"]


@pytest.mark.parametrize("output", ["null", "", "[]"])
def test_no_snapshots_are_an_empty_list(restic, output):
    restic.answer((0, output, ""))
    assert repository().snapshots("site=a") == []
    assert restic.seen[0]["arguments"][5:] == ["snapshots", "--json", "--tag", "lifeboat,site=a"]


def test_snapshots_come_oldest_first(restic):
    restic.answer((0, json.dumps([{"id": "b", "time": "2", "tags": ["x"]}, {"id": "a", "time": "1"}]), ""))
    assert [(snapshot.id, snapshot.tags) for snapshot in repository().snapshots()] == [("a", ()), ("b", ("x",))]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Fatal: wrong password or no key found", "offsite_password_wrong"),
        (
            "Fatal: unable to open config file: gone\nIs there a repository at the following location?",
            "offsite_missing",
        ),
        ("repository is already locked by PID 1 on host", "offsite_locked"),
        ("Fatal: ciphertext verification failed", "offsite_damaged"),
        ("dial tcp: connection refused", "offsite_failed"),
        ("", "offsite_failed"),
    ],
)
def test_failures_have_codes_and_say_what_to_do(restic, message, code):
    restic.answer((1, "", f"{message}\n"))
    error = refused(repository().create)
    assert error.error_code == code
    assert error.details == {"repository": "s3:https://host/bucket", "action": "init"}
    assert PASSWORD not in error.message


def test_a_long_message_is_cut(restic):
    restic.answer((1, "", "x" * 10_000))
    assert len(refused(repository().create).message) < 500


def test_stale_locks_are_removed_by_restics_own_rule_and_told(restic):
    locked = (1, "", "unable to create lock in backend: repository is already locked by PID 1 on host\n")
    restic.answer(locked, (0, "", ""), (0, "", ""))
    known = repository()
    known.forget(["a"])
    assert (restic.actions, known.removed_stale_locks) == (["forget", "unlock", "forget"], True)
    restic.answer(locked, (0, "", ""), locked)
    held = repository()
    assert refused(held.prune).error_code == "offsite_locked"
    assert not held.removed_stale_locks
    restic.answer(locked)
    assert refused(held.create).error_code == "offsite_locked"
    restic.answer((1, "", "other"))
    assert refused(held.change_tag, "a", "held", False).error_code == "offsite_failed"


def test_an_archive_that_fails_in_the_middle_is_an_error(restic):
    restic.answer((1, "part", "Fatal: ciphertext verification failed"))
    with pytest.raises(LifeboatError) as failed, repository().archive("a", "/set") as stream:
        assert stream.read() == b"part"
    assert failed.value.error_code == "offsite_damaged"
    restic.answer((0, "whole", ""))
    with repository().archive("a", "/set") as stream:
        assert stream.read() == b"whole"
    with pytest.raises(ZeroDivisionError), repository().archive("a", "/set"):
        raise ZeroDivisionError


@pytest.mark.parametrize("address", ["rest:https://user:secret@host/", "https://a:b@c"])
def test_a_password_in_the_address_is_refused(address):
    error = refused(lambda: repository(repository=address))
    assert error.error_code == "offsite_refused"
    assert "secret" not in error.message


def test_without_restic_it_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.defpath", str(tmp_path))
    known = repository()
    (tmp_path / "setpriv").touch(0o755)
    assert refused(known.create).error_code == "command_missing"
