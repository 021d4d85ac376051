"""Programs that run beside this process and never outlive it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from .errors import LifeboatError

# Where servers lie that are not on the path of an ordinary user: Debian, then the Red Hat family.
SERVER_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec")
# A parent that died before the kernel was told to watch it is another parent by now: then nothing is started at all.
_START_WHILE_PARENT_LIVES = 'test "$PPID" = "$1" && shift && exec "$@"'


def find_program(name: str, package: str) -> str:
    """Return the path of a program.

    Raises:
        LifeboatError: ``command_missing``, with the package that brings it.
    """
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(SERVER_FOLDERS))
    if path is None:
        raise LifeboatError(
            f"Cannot run {name}: it is not installed on this host. Install the package {package}, or use the role "
            "lifeboat.frappe.prerequisites, and run this again.",
            "command_missing",
            {"program": name, "package": package},
        )
    return path


def bound_command(arguments: Sequence[str], *, powerless: bool = False) -> list[str]:
    """Return the command that runs a program as a child which the kernel kills when its parent dies, however it dies.

    The parent is the thread that starts it: a thread that ends takes the child with it.

    Args:
        arguments: The program and its arguments.
        powerless: Give up what root may do beyond its own files. A server that reads files of unknown content runs
            so: it cannot reach those of another account, the live server's least of all.

    Raises:
        LifeboatError: ``command_missing`` where the host has no setpriv (package util-linux).
    """
    # Without new privileges the kernel keeps the death signal also over a program file that has capabilities.
    options = ["--pdeathsig", "KILL", "--no-new-privs"]
    if powerless and os.geteuid() == 0:
        options += ["--inh-caps=-all", "--bounding-set=-all"]
    setpriv = find_program("setpriv", "util-linux")
    return [setpriv, *options, "sh", "-c", _START_WHILE_PARENT_LIVES, "sh", str(os.getpid()), *arguments]
