"""Debian's versions, in dpkg's order, and the packages that have newer ones."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.packages import (
    installed_versions,
    newer_versions,
    version_key,
)

STATUS = """Package: openssl
Status: install ok installed
Config-Version: 7
Description: the word
 Version: 9 in a text does not count
Version: 3.0.1-1

Package: removed
Status: deinstall ok config-files
Version: 1.0

Package: held
Status: hold ok installed
Version: 1:2.0-1
"""

IN_ORDER = [
    "0.9~rc1-1",
    "0.9",
    "1.0~~",
    "1.0~",
    "1.0",
    "1.0-0ubuntu1",
    "1.0-1",
    "1.0-1+deb12u1",
    "1.0-2",
    "1.0a",
    "1.0+b1",
    "1.0.1",
    "1.9",
    "1.10-1-2",
    "2",
    "1:0.1",
    "10:0",
]


def test_versions_are_ordered() -> None:
    assert sorted(IN_ORDER[1::2] + IN_ORDER[::2], key=version_key) == IN_ORDER


@pytest.mark.parametrize(("left", "right"), [("1.0", "1.0-0"), ("01.0", "1.0"), ("0:1", "1")])
def test_versions_that_differ_only_in_writing_are_equal(left: str, right: str) -> None:
    assert version_key(left) == version_key(right)


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg is not installed")
def test_dpkg_itself_orders_so() -> None:
    for lower, higher in zip(IN_ORDER, IN_ORDER[1:]):
        subprocess.run(["dpkg", "--compare-versions", lower, "lt", higher], check=True)


def test_only_what_is_installed_counts() -> None:
    assert installed_versions(STATUS) == {"openssl": "3.0.1-1", "held": "1:2.0-1"}
    assert installed_versions("") == {}


def test_newer_versions_come_from_all_archives() -> None:
    archives = [
        "Package: openssl\nVersion: 3.0.2-1\n\nPackage: unknown\nVersion: 1\n\nPackage: held\nVersion: 1:2.0-1\n",
        "Package: openssl\nVersion: 3.0.10-1\n\nPackage: held\nVersion: 3.0\n",
    ]
    assert newer_versions(installed_versions(STATUS), archives) == {"openssl": "3.0.10-1"}
