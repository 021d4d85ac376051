"""Run `ansible-test sanity` or `units` on a clean copy that lies where ansible-test wants a collection to lie."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pip

from tests.tools.checkout import GATE_HOME, staged_copy

# ansible-test makes its environments without pip and fetches get-pip from a host of its project. This stand-in, found
# in ansible-test's cache, needs no such host: it lends the pip of the gates. Each release of ansible-core looks for a
# name of its own.
GET_PIP_NAMES = ("get_pip_23_1_2.py", "get_pip_24_0.py", "get_pip_24_2.py", "get_pip_25_2.py")
GET_PIP = f'''\
"""Stand-in for get-pip: the environment that asks for pip uses that of another."""
import pathlib, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "pip").symlink_to({str(Path(pip.__file__).parent)!r})
'''
# The sanity test `import` imports every file of the collection without what the others brought along: one process reads
# each file again and again, but has to compile it only once.
COMPILE_ONCE = """\
import builtins, functools
builtins.compile = functools.cache(builtins.compile)
"""
# What pip of the user knows (an index of the company, its cache) has to be known in the gate's own home as well.
PIP_OF_USER = (".config/pip", ".pip", ".cache/pip")


def prepare_home(user_home: Path) -> None:
    """Give ansible-test a home of its own, in which its environments stay warm from run to run."""
    cache = GATE_HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for name in GET_PIP_NAMES:
        (cache / name).write_text(GET_PIP)
    for name in PIP_OF_USER:
        link = GATE_HOME / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if (user_home / name).exists() and not link.is_symlink():
            link.symlink_to(user_home / name, target_is_directory=True)


def main() -> int:
    """Run the sub-command that was asked for, with the options that follow it."""
    command, *options = sys.argv[1:]
    prepare_home(Path.home())
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    call = ["ansible-test", command, "--local", "--python", python, "--color", "no", *options]
    environment = {**os.environ, "HOME": str(GATE_HOME)}
    with staged_copy() as tree:
        if command == "sanity":  # made first, so that its output does not bury what sanity finds
            prime = [*call, "--prime-venvs"]
            primed = subprocess.run(prime, cwd=tree, env=environment, check=False, capture_output=True, text=True)
            if primed.returncode:
                print(primed.stdout + primed.stderr)
            for packages in (GATE_HOME / ".ansible" / "test" / "venv").glob("*/*/*/lib/python*/site-packages"):
                (packages / "pip").unlink(missing_ok=True)
                (packages / "sitecustomize.py").write_text(COMPILE_ONCE)
        return subprocess.run(call, cwd=tree, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
