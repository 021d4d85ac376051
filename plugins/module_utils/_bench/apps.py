"""The apps of a bench and their versions, read from their source without importing it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress

from .layout import Bench

UNKNOWN_VERSION = "unknown"
RELEASE_PARTS = 3

_VERSION_ASSIGNMENT = re.compile(r"""^__version__\s*(?::\s*\w+\s*)?=\s*['"]([^'"]+)['"]""", re.MULTILINE)
_PROJECT_VERSION = re.compile(r"""^\[project\]\s*$(?:\n(?!\[).*)*?\nversion\s*=\s*['"]([^'"]+)['"]""", re.MULTILINE)
_VERSION = re.compile(
    r"v?(?P<release>\d+(?:\.(?:\d+|x))*)(?:[-.]?(?P<stage>[a-z]+)[-.]?(?P<number>\d+)?)?", re.IGNORECASE
)
_WILDCARD = re.compile(r"[*?\[]")
_STAGES = ("develop", "dev", "a", "alpha", "b", "beta", "c", "rc")


def bench_apps(bench: Bench) -> dict[str, str]:
    """Return each app's version, in the order of ``apps.txt``; "unknown" where the source does not tell."""
    return {name: _app_version(bench, name) for name in _app_names(bench)}


def persistent_cache_keys(bench: Bench) -> list[str]:
    """Return what the names of keys in the cache begin with that the bench's apps want kept, as their hooks say.

    Hooks that are computed, or cannot be read, say nothing here: Frappe alone can run them.
    """
    patterns: list[str] = []
    for name in _app_names(bench):
        with suppress(OSError, SyntaxError, ValueError):
            tree = ast.parse((bench.apps_path / name / name / "hooks.py").read_text())
            patterns += map(str, _hook_values(tree, "persistent_cache_keys"))
    return [prefix for pattern in patterns if (prefix := _WILDCARD.split(pattern, maxsplit=1)[0])]


def compare_versions(first: str, second: str) -> int:
    """Compare two versions: -1, 0 or 1 as the first is older, the same or newer.

    A version under development (``16.0.0-dev``, ``15.x-develop``, ``15.0.0-beta.2``) is older than its release.
    Versions that do not begin with a number cannot be compared and count as the same.
    """
    first_key, second_key = _version_key(first), _version_key(second)
    if first_key is None or second_key is None:
        return 0
    return (first_key > second_key) - (first_key < second_key)


def _app_names(bench: Bench) -> list[str]:
    listing = bench.sites_path / "apps.txt"
    if listing.is_file():
        return [line.strip() for line in listing.read_text().splitlines() if line.strip()]
    if not bench.apps_path.is_dir():
        return []
    return sorted(folder.name for folder in bench.apps_path.iterdir() if (folder / folder.name).is_dir())


def _hook_values(hooks: ast.Module, name: str) -> Iterator[object]:
    for node in hooks.body:
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
            yield from ast.literal_eval(node.value)


def _app_version(bench: Bench, name: str) -> str:
    folder = bench.apps_path / name
    for path, pattern in (
        (folder / name / "__init__.py", _VERSION_ASSIGNMENT),
        (folder / "pyproject.toml", _PROJECT_VERSION),
    ):
        match = pattern.search(path.read_text(errors="replace")) if path.is_file() else None
        if match:
            return match[1]
    return UNKNOWN_VERSION


def _version_key(version: str) -> tuple[list[int], int, int] | None:
    match = _VERSION.match(version.strip())
    if match is None:
        return None
    numbers = [int(part) if part.isdigit() else 0 for part in match["release"].split(".")]
    release = numbers + [0] * (RELEASE_PARTS - len(numbers))
    stage = (match["stage"] or "").lower()
    rank = _STAGES.index(stage) if stage in _STAGES else len(_STAGES)
    return release, rank, int(match["number"] or 0)
