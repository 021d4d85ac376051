"""Keeps the zips that Ansible hands to modules, and what Python compiles of them: the tests start hundreds of modules.

Ansible brings every module its libraries in a zip, of which Python compiles each file twice, at each start. The gates
have this folder on PYTHONPATH (see tests/tools/checkout.py): what a file with the same content was compiled to is
taken from `.cache/compiled`. Each Python process runs this, so it imports next to nothing.

Ansible itself keeps such a zip for the time of one run. Here the next run finds it, as long as no plugin was changed.
"""

from __future__ import annotations

import marshal
import os
import sys
import zipimport
from types import CodeType

KEPT = os.path.realpath(f"{__file__}/../../../../.cache/compiled")
PAYLOAD = "_payload.zip/"
# Set by tests/tools/checkout.py: a folder whose name changes with the plugins. Only for the collection of the checkout.
PAYLOADS = os.environ.get("LIFEBOAT_PAYLOADS", "")
COLLECTIONS = os.path.realpath(f"{__file__}/../../../../.cache/collections")
# The function is not public; it is the same in each Python that the gates run with.
compile_source = zipimport._compile_source  # type: ignore[attr-defined]


def kept_or_compiled(path: str, source: bytes) -> CodeType:
    """Return the code of a file of a zip; in one of Ansible's its name is that inside of the zip, as in each run."""
    from importlib.util import MAGIC_NUMBER, source_hash  # noqa: PLC0415 (only who imports from a zip needs it)

    _folder, payload, name = path.partition(PAYLOAD)
    code: CodeType
    if not payload:
        code = compile_source(path, source)
        return code
    kept = f"{KEPT}/{MAGIC_NUMBER.hex()}{source_hash(source).hex()}{source_hash(name.encode()).hex()}"
    try:
        with open(kept, "rb") as stream:  # noqa: PTH123
            code = marshal.load(stream)  # noqa: S302 (this function wrote it)
    except (OSError, ValueError, EOFError, TypeError):  # it is not there yet, or a full disk cut it off
        code = compile_source(name, source)
        _keep(kept, code)
    return code


def _keep(path: str, code: CodeType) -> None:
    fresh = f"{path}.{os.getpid()}"
    try:
        os.makedirs(KEPT, exist_ok=True)  # noqa: PTH103
        with open(fresh, "wb") as stream:  # noqa: PTH123
            marshal.dump(code, stream)
        os.replace(fresh, path)  # noqa: PTH105
    except OSError:  # it is compiled again next time
        return


zipimport._compile_source = kept_or_compiled  # type: ignore[attr-defined]


def keep_payloads() -> None:
    """Let the folder that Ansible makes for each of its runs hold a link to the zips of earlier ones."""
    import tempfile  # noqa: PLC0415 (only Ansible's programs need it)

    make_folder = tempfile.mkdtemp

    def make_folder_with_payloads(suffix: str | None = None, prefix: str | None = None, dir: str | None = None) -> str:  # noqa: A002
        folder = make_folder(suffix, prefix, dir)
        if prefix and prefix.startswith("ansible-local-"):
            os.makedirs(PAYLOADS, exist_ok=True)  # noqa: PTH103
            os.symlink(PAYLOADS, f"{folder}/ansiballz_cache")  # noqa: PTH211
        return folder

    tempfile.mkdtemp = make_folder_with_payloads  # type: ignore[assignment]


if PAYLOADS and os.environ.get("ANSIBLE_COLLECTIONS_PATH") == COLLECTIONS and "ansible" in "".join(sys.orig_argv[:2]):
    keep_payloads()
