"""A restic repository: where copies of sets lie off-site. Secrets go to restic through pipes and memory alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from .._system.children import bound_command, find_program
from .._system.commands import secret_pipe
from .._system.errors import LifeboatError

RESTIC = "restic"
# All snapshots of the collection have it, so that others in the same repository are left alone.
TAG = "lifeboat"
SHOWN_CHARACTERS = 300
_PASSWORD_IN_URL = re.compile(r"://[^/@]*:[^/@]*@")
_PROBLEMS = (
    (re.compile(r"wrong password|no key found"), "offsite_password_wrong", "Give the password that it was made with."),
    (
        re.compile(r"Is there a repository at the following location|unable to open config file"),
        "offsite_missing",
        "Correct offsite_repository, or have it made with create=true.",
    ),
    (
        re.compile(r"already locked"),
        "offsite_locked",
        "Wait until that has ended. Where it is long dead on another host, run: restic unlock.",
    ),
    (
        re.compile(r"verification failed|unexpected EOF|no such file or directory|not exist|mismatch|not found in"),
        "offsite_damaged",
        "What lies there was damaged: look with restic check --read-data, and mend the repository.",
    ),
)
_UNKNOWN = ("offsite_failed", "Look at the repository and at the way to it.")


@dataclass(frozen=True)
class OffsiteAccess:
    """How to reach a repository.

    Attributes:
        repository: As restic writes it: a path, or ``s3:https://host/bucket``. No secret is in it.
        password: What encrypts it.
        s3: ``aws_access_key_id``, ``aws_secret_access_key`` and what else a file of credentials of AWS has; empty where
            the host's own role is to be used, or none is needed.
        s3_region: The region; "" where the service tells it.
    """

    repository: str
    password: str = field(repr=False)
    s3: Mapping[str, str] = field(default_factory=dict, repr=False)
    s3_region: str = ""


@dataclass(frozen=True)
class Snapshot:
    """One snapshot: its id, when it was made, and its tags."""

    id: str
    time: str
    tags: tuple[str, ...]


class ResticRepository:
    """Runs restic for one repository.

    Raises:
        LifeboatError: ``offsite_refused`` when a password stands in the repository's address, which every user of the
            host could read from restic's command line.
    """

    def __init__(self, access: OffsiteAccess) -> None:
        if _PASSWORD_IN_URL.search(access.repository):
            raise LifeboatError(
                "Cannot use the off-site repository: there is a password in its address, which the list of processes "
                "would show. Use a path, s3: with its own options, or sftp: with a key.",
                "offsite_refused",
            )
        self.name = access.repository
        self._access = access
        # Stale locks that stood in the way and were removed, as restic allows it: those of dead processes of this host,
        # and those older than half an hour.
        self.removed_stale_locks = False

    def create(self) -> None:
        """Make the repository."""
        self._run("init")

    def snapshots(self, *tags: str) -> list[Snapshot]:
        """Return the snapshots of the collection that have all these tags, oldest first."""
        found = json.loads(self._run("snapshots", "--json", "--tag", ",".join((TAG, *tags))) or "[]")
        known = [Snapshot(str(one["id"]), str(one["time"]), tuple(one.get("tags") or ())) for one in found or ()]
        return sorted(known, key=lambda snapshot: snapshot.time)

    def back_up(self, folder: Path, tags: Sequence[str]) -> None:
        """Copy a folder with all that is in it; the snapshot exists when, and only when, all of it is there."""
        options = [option for tag in (TAG, *tags) for option in ("--tag", tag)]
        self._run("backup", "--quiet", "--json", *options, "--", folder.name, folder=folder.parent)

    def restore(self, snapshot: str, target: Path, only: Sequence[str] = ()) -> None:
        """Write what is in a snapshot below a folder: all of it, or what matches any of some patterns of paths."""
        options = [option for pattern in only for option in ("--include", pattern)]
        self._run("restore", "--quiet", *options, "--target", str(target), snapshot)

    def forget(self, snapshots: Sequence[str]) -> None:
        """Remove snapshots; what only they needed stays in the repository until it is pruned."""
        self._run("forget", "--quiet", *snapshots, exclusive=True)

    def prune(self) -> None:
        """Remove what no snapshot needs."""
        self._run("prune", "--quiet", exclusive=True)

    def change_tag(self, snapshot: str, tag: str, present: bool) -> None:
        """Add a tag to a snapshot, or remove it; the snapshot has another id then."""
        self._run("tag", "--quiet", "--add" if present else "--remove", tag, snapshot, exclusive=True)

    @contextmanager
    def archive(self, snapshot: str, path: str) -> Iterator[BinaryIO]:
        """Yield a folder of a snapshot as a stream in the format of tar, or a file as it is; to be read to its end."""
        with ExitStack() as stack, tempfile.TemporaryFile() as messages:
            command, options = self._command(stack, "dump", snapshot, path)
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=messages, **options) as process:
                try:
                    yield cast(BinaryIO, process.stdout)
                except BaseException:
                    process.kill()
                    raise
                exit_code = process.wait()
            if exit_code:
                messages.seek(0)
                raise self._failure("dump", messages.read().decode(errors="replace"))

    def _run(self, action: str, *arguments: str, folder: Path | None = None, exclusive: bool = False) -> str:
        try:
            return self._run_once(action, *arguments, folder=folder)
        except LifeboatError as error:
            if not exclusive or error.error_code != "offsite_locked":
                raise
        self._run_once("unlock")
        output = self._run_once(action, *arguments, folder=folder)
        self.removed_stale_locks = True
        return output

    def _run_once(self, action: str, *arguments: str, folder: Path | None = None) -> str:
        with ExitStack() as stack:
            command, options = self._command(stack, action, *arguments)
            done = subprocess.run(
                command, capture_output=True, check=False, cwd=folder, text=True, errors="replace", **options
            )
        if done.returncode:
            raise self._failure(action, done.stderr)
        return str(done.stdout)

    def _command(self, stack: ExitStack, action: str, *arguments: str) -> tuple[list[str], dict[str, Any]]:
        descriptors = [stack.enter_context(secret_pipe(self._access.password))]
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": str(Path.home())}
        if self._access.s3_region:
            environment["AWS_DEFAULT_REGION"] = self._access.s3_region
        if self._access.s3:
            descriptors.append(stack.enter_context(_secret_file(_credentials(self._access.s3))))
            environment["AWS_SHARED_CREDENTIALS_FILE"] = f"/dev/fd/{descriptors[-1]}"
        # Without a cache: looking at a repository leaves nothing behind on the host.
        common = ["--no-cache", "--repo", self._access.repository, "--password-file", f"/dev/fd/{descriptors[0]}"]
        command = bound_command([find_program(RESTIC, RESTIC), *common, action, *arguments])
        return command, {"stdin": subprocess.DEVNULL, "pass_fds": descriptors, "env": environment}

    def _failure(self, action: str, messages: str) -> LifeboatError:
        lines = [line.strip() for line in messages.splitlines() if line.strip()]
        told = next((line for line in lines if "Fatal" in line or "lock" in line), lines[-1] if lines else "no reason")
        code, advice = next((known[1:] for known in _PROBLEMS if known[0].search(messages)), _UNKNOWN)
        return LifeboatError(
            f"restic could not {action} with the off-site repository {self.name}: {told[:SHOWN_CHARACTERS]}. {advice}",
            code,
            {"repository": self.name, "action": action},
        )


def _credentials(values: Mapping[str, str]) -> str:
    return "".join(["[default]\n", *(f"{name} = {value}\n" for name, value in values.items())])


@contextmanager
def _secret_file(content: str) -> Iterator[int]:
    """Yield the descriptor of a file in memory that a child may open more than once, unlike a pipe."""
    descriptor = os.memfd_create("credentials", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, content.encode())
        yield descriptor
    finally:
        os.close(descriptor)
