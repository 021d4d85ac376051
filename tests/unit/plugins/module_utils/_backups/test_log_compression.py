"""Compressing a log, and what becomes of a target that is full."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.log_compression import (
    best_compression,
    compressing,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

# Nothing that compresses: a full target is noticed while it is written.
NOISE = os.urandom(1 << 20)


def compress(method, path, gives_up=False, part=NOISE):
    with path.open("wb", buffering=0) as target, compressing(method, target) as write:
        for _part in range(4):
            write(part)
        if gives_up:
            raise ZeroDivisionError


@pytest.mark.parametrize("method", ["zstd", "gzip"])
def test_a_full_target_is_an_error_that_says_so(method):
    with pytest.raises(OSError, match="No space") as caught:
        compress(method, Path("/dev/full"))
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("method", ["zstd", "gzip"])
def test_who_gives_up_is_not_held_up(tmp_path, method):
    with pytest.raises(ZeroDivisionError):
        compress(method, tmp_path / "log", gives_up=True)


def test_what_was_not_taken_yet_is_no_error_of_its_own(tmp_path, monkeypatch):
    class EndedAtOnce(subprocess.Popen):
        def kill(self):
            super().kill()
            self.wait()

    monkeypatch.setattr(subprocess, "Popen", EndedAtOnce)
    with pytest.raises(ZeroDivisionError):
        compress("zstd", tmp_path / "log", gives_up=True, part=b"less than a buffer")


def test_a_program_that_fails_otherwise(tmp_path, monkeypatch):
    program = tmp_path / "zstd"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(LifeboatError, match="exit code 3") as caught:
        compress("zstd", tmp_path / "log")
    assert caught.value.error_code == "command_failed"


def test_gzip_where_there_is_no_zstd(tmp_path, monkeypatch):
    assert best_compression() == "zstd"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert best_compression() == "gzip"
