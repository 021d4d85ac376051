"""Run `ansible-test sanity` or `units` on a clean copy that lies where ansible-test wants a collection to lie."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.tools.checkout import GATE_HOME, staged_copy

# ansible-test makes its environments without pip and fetches get-pip from a host of its project. The interpreter
# carries pip itself, so this stand-in, found in ansible-test's cache, needs no such host. Each release of ansible-core
# looks for a name of its own.
GET_PIP_NAMES = ("get_pip_23_1_2.py", "get_pip_24_0.py", "get_pip_24_2.py", "get_pip_25_2.py")
GET_PIP = '''\
"""Stand-in for get-pip: bootstrap from the interpreter's own ensurepip, then install what was asked."""
import subprocess, sys
GET_PIP_ONLY = {"--no-setuptools", "--no-wheel"}
subprocess.check_call([sys.executable, "-m", "ensurepip", "--upgrade"], stdout=subprocess.DEVNULL)
asked = [argument for argument in sys.argv[1:] if argument not in GET_PIP_ONLY]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *asked]))
'''
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
        return subprocess.run(call, cwd=tree, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
