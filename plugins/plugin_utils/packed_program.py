# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The programs that work on a host without Ansible, each as one executable file: the collection's own code, packed."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

MODULE_UTILS = Path(__file__).resolve().parent.parent / "module_utils"
# The one file that knows Ansible.
LEFT_OUT = "_module.py"
PACKAGE = "lifeboat_code"
# Where each program begins.
ENTRIES = {"lifeboat-debug": "_debugging.script", "lifeboat-health": "_reports.script"}
START = """\
import sys

from {package}.{entry} import main

sys.exit(main(sys.argv[1:], sys.stdout, sys.stderr))
"""
# The same code gives the same bytes, so that a second run of the role changes nothing.
OLDEST_DATE = (1980, 1, 1, 0, 0, 0)


def packed_program(name: str, python: str) -> bytes:
    """Return the content of the file.

    Args:
        name: One of ``ENTRIES``.
        python: The interpreter on the host, as the first line of a script names it.
    """
    packed = io.BytesIO()
    packed.write(f"#!{python}\n".encode())
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "__main__.py", START.format(package=PACKAGE, entry=ENTRIES[name]))
        _add(archive, f"{PACKAGE}/__init__.py", "")
        for source in sorted(MODULE_UTILS.rglob("*.py")):
            if source.name != LEFT_OUT:
                _add(archive, f"{PACKAGE}/{source.relative_to(MODULE_UTILS)}", source.read_text())
    return packed.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: str) -> None:
    member = zipfile.ZipInfo(name, OLDEST_DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, content)
