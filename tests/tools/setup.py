"""`make setup`: the virtual environment, the collection's link, and the programs that the lab and the gates need.

Runs on the bare interpreter, before there is a virtual environment. Says nothing when there is nothing to do.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.tools.checkout import ROOT, VENV, link_collection

REQUIREMENTS = [ROOT / "requirements-dev.txt", ROOT / "constraints-dev.txt"]
STAMP = VENV / "lifeboat.stamp"
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
POLICY = Path("/usr/sbin/policy-rc.d")
UNIT_FOLDERS = (Path("/etc/systemd/system"), Path("/etc/systemd/user"))

# Program -> Debian package that brings it, by what it is needed for.
PROGRAMS: dict[str, dict[str, str]] = {
    "lab": {
        "mariadbd": "mariadb-server-core",
        "mariadb-install-db": "mariadb-server-core",
        "mariadb": "mariadb-client",
        "mariadb-dump": "mariadb-client",
        "redis-check-rdb": "redis-tools",
        "gpg": "gnupg",
        "nginx": "nginx-light",
        "age": "age",
        "mariadb-backup": "mariadb-backup",
        "restic": "restic",
        "zstd": "zstd",
    },
    "gates": {
        "podman": "podman",
        "runc": "runc",
        "/usr/lib/podman/netavark": "netavark",
        "/usr/lib/podman/aardvark-dns": "aardvark-dns",
        "iptables": "iptables",
        "mmdebstrap": "mmdebstrap",
        "ssh-keygen": "openssh-client",
        "shellcheck": "shellcheck",
    },
    "benchmark": {"myloader": "mydumper", "pt-archiver": "percona-toolkit"},
}


class SetupError(Exception):
    """Something that the person in front of it has to do first."""


def missing_packages(purposes: list[str]) -> list[str]:
    """Name the Debian packages whose programs are not there, for the purposes given."""
    needed = {program: package for purpose in purposes for program, package in PROGRAMS[purpose].items()}
    missing = {package for program, package in needed.items() if shutil.which(program, path=SYSTEM_PATH) is None}
    if importlib.util.find_spec("ensurepip") is None:  # Debian keeps it apart from the interpreter
        missing.add(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    return sorted(missing)


def as_root() -> list[str] | None:
    """Give what to put before a command so that root runs it; None when nobody here may be root."""
    if os.geteuid() == 0:
        return []
    prefix = ["sudo", "-n"]
    if shutil.which("sudo") and subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode == 0:
        return prefix
    return None


def enabling_links() -> set[Path]:
    """List the links by which units are enabled: they tell it where systemd is not running, too."""
    return {link for folder in UNIT_FOLDERS for link in folder.glob("*.wants/*") if link.is_symlink()}


@contextlib.contextmanager
def no_service_starts(prefix: list[str]) -> Iterator[None]:
    """Keep a package's installation from starting or enabling what was not there before."""
    before = enabling_links()
    forbid = not POLICY.exists()
    if forbid:
        script = "#!/bin/sh\nexit 101\n"
        subprocess.run([*prefix, "tee", str(POLICY)], input=script, text=True, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*prefix, "chmod", "755", str(POLICY)], check=True)
    try:
        yield
    finally:
        if forbid:
            subprocess.run([*prefix, "rm", "-f", str(POLICY)], check=True)
        for link in enabling_links() - before:  # Debian takes a missing link for the administrator's wish
            subprocess.run([*prefix, "rm", str(link)], check=True)


def install_packages(packages: list[str]) -> None:
    """Install Debian packages, or say exactly what somebody with the right to do it has to type.

    Raises:
        SetupError: there is no apt-get or no right to use it, or it failed.
    """
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    prefix = as_root()
    if prefix is None or shutil.which("apt-get") is None:
        raise SetupError(
            f"These packages are missing: {' '.join(packages)}. Installing them needs root on Debian; run as root:\n"
            f"  apt-get update && {' '.join(command)}\nthen run this again."
        )
    print(f"Installing {' '.join(packages)}", flush=True)
    quiet = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive"]
    with no_service_starts(prefix):
        for step in (["apt-get", "update"], command):
            done = subprocess.run([*quiet, *step], check=False, capture_output=True, text=True)
            if done.returncode:
                raise SetupError(f"`{' '.join(step)}` failed:\n{(done.stdout + done.stderr)[-2000:]}")


def stamp_of_interpreter() -> str:
    """Tell which interpreter and place an environment was made for: it cannot be moved to another."""
    return f"{VENV} {sys.version_info.major}.{sys.version_info.minor}"


def stamp_of_requirements() -> str:
    """Tell which pinned packages an environment holds."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in REQUIREMENTS)).hexdigest()


def run_silently(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command, keeping what it prints."""
    return subprocess.run(command, check=False, capture_output=True, text=True)


def install_requirements() -> None:
    """Install the pinned packages: by uv, in a fifth of the time, unless pip was told of an index, as uv was not.

    Nothing is compiled: of the collections in the package ansible few modules are ever imported, which compiles them.

    Raises:
        SetupError: the packages could not be installed.
    """
    python = str(VENV / "bin" / "python")
    requirements, constraints = map(str, REQUIREMENTS)
    pinned = ["-r", requirements, "-c", constraints]
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    uv = [python, "-m", "uv", "pip", "install", "--quiet", "--system-certs", "--python", python]
    if ".index-url=" not in run_silently([python, "-m", "pip", "config", "list"]).stdout:
        by_uv = [*pip, "-c", constraints, "uv"], [*uv, *pinned]
        if all(run_silently(command).returncode == 0 for command in by_uv):
            return
    done = run_silently([*pip, *pinned])
    if done.returncode:
        raise SetupError(f"pip could not install {requirements}:\n{done.stderr[-2000:]}")


def prepare_environment() -> None:
    """Make `.venv`, or bring it up to date, only when what it is made from has changed.

    Raises:
        SetupError: an interpreter of the wrong version, or the packages could not be installed.
    """
    wanted = [stamp_of_interpreter(), stamp_of_requirements()]
    present = STAMP.read_text().splitlines() if STAMP.exists() else []
    if present == wanted:
        return
    if present[:1] != wanted[:1]:
        print(f"Making {VENV.relative_to(ROOT)} with Python {sys.version.split()[0]}", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    print("Installing the pinned packages of requirements-dev.txt", flush=True)
    install_requirements()
    STAMP.write_text("\n".join(wanted) + "\n")


def main() -> int:
    """Do what is missing, in the order in which one step needs the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("purposes", nargs="+", choices=sorted(PROGRAMS), help="what to get ready for")
    purposes = parser.parse_args().purposes
    try:
        packages = missing_packages(purposes)
        if packages:
            install_packages(packages)
        prepare_environment()
        link_collection()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
