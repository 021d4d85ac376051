"""Where a bench keeps its sites, apps and files, and which benches a host has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .._system.errors import LifeboatError
from .processes import list_processes

CONFIGURATION_NAME = "site_config.json"
COMMON_CONFIGURATION_NAME = "common_site_config.json"
ROOT = Path("/")
# Where the installers of Frappe and the guides of its hosts put benches; the homes of all accounts come on top.
DEFAULT_SEARCH_PATHS = ("/home/*", "/opt/*", "/srv/*")


@dataclass(frozen=True)
class Bench:
    """A bench: the folder that holds ``apps`` and ``sites``."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's name, with which the bench's services begin."""
        return self.path.name

    @property
    def sites_path(self) -> Path:
        """The folder of the sites."""
        return self.path / "sites"

    @property
    def apps_path(self) -> Path:
        """The folder of the apps' source."""
        return self.path / "apps"

    @property
    def common_config_path(self) -> Path:
        """The configuration that all sites share."""
        return self.sites_path / COMMON_CONFIGURATION_NAME

    @property
    def interpreter(self) -> Path:
        """The Python of the bench's own environment, which has the libraries that Frappe needs."""
        return self.path / "env" / "bin" / "python"

    @property
    def owner(self) -> tuple[int, int]:
        """The user and group id to whom the bench belongs."""
        status = self.path.stat()
        return status.st_uid, status.st_gid

    def site(self, name: str) -> Site:
        """Return a site of this bench, which need not exist.

        Raises:
            LifeboatError: ``path_unsafe`` when the name would lead out of the folder of the sites.
        """
        if not name or name in {".", ".."} or "/" in name or "\0" in name:
            raise LifeboatError(
                f"Cannot use {name!r} as a site: it is not the name of a folder in {self.sites_path}. "
                "Correct the name.",
                "path_unsafe",
            )
        return Site(self, name)

    def sites(self) -> list[Site]:
        """Return the sites as Frappe counts them: real folders with a configuration, also a broken one."""
        folders = sorted(entry for entry in self.sites_path.iterdir() if entry.is_dir() and not entry.is_symlink())
        return [Site(self, folder.name) for folder in folders if (folder / CONFIGURATION_NAME).is_file()]


@dataclass(frozen=True)
class Site:
    """A site's places in its bench."""

    bench: Bench
    name: str

    @property
    def path(self) -> Path:
        """The site's folder."""
        return self.bench.sites_path / self.name

    @property
    def config_path(self) -> Path:
        """The site's configuration, which holds secrets."""
        return self.path / CONFIGURATION_NAME

    @property
    def backups_path(self) -> Path:
        """Where ``bench backup`` puts its sets."""
        return self.path / "private" / "backups"

    @property
    def public_files(self) -> Path:
        """Files that anybody may fetch."""
        return self.path / "public" / "files"

    @property
    def private_files(self) -> Path:
        """Files that only the application hands out."""
        return self.path / "private" / "files"

    def exists(self) -> bool:
        """Tell whether the site's folder is there, whatever is left in it."""
        return self.path.is_dir()


def is_bench(path: Path) -> bool:
    """Tell whether a folder is a bench; an unreadable one is not."""
    try:
        return any((path / "sites" / name).is_file() for name in (COMMON_CONFIGURATION_NAME, "apps.txt"))
    except OSError:
        return False


def find_benches(search_paths: Iterable[str] | None = None, root: Path = ROOT) -> list[Bench]:
    """Return the benches of a host, ordered by path.

    Args:
        search_paths: Patterns of absolute folders that are a bench or hold benches; None for the usual places, the
            homes of all accounts, and the working directories of the running processes.
        root: The folder that stands for ``/``.
    """
    if search_paths is None:
        candidates = [*_matches(DEFAULT_SEARCH_PATHS, root), *_homes(root), *_working_places(root)]
    else:
        candidates = list(_matches(search_paths, root))
    folders = {folder for candidate in candidates for folder in (candidate, *_children(candidate)) if is_bench(folder)}
    return [Bench(path) for path in sorted({folder.resolve() for folder in folders})]


def bench_at(path: str | Path) -> Bench:
    """Return the bench in a folder.

    Raises:
        LifeboatError: ``bench_not_found``.
    """
    if not is_bench(Path(path)):
        raise LifeboatError(
            f"Cannot find a bench at {path}: it has no sites/{COMMON_CONFIGURATION_NAME} and no sites/apps.txt. "
            "Set bench_path to the folder that holds apps and sites.",
            "bench_not_found",
        )
    return Bench(Path(path).resolve())


def find_bench(
    site_name: str,
    bench_path: str | Path | None = None,
    search_paths: Iterable[str] | None = None,
    root: Path = ROOT,
) -> Bench:
    """Return the bench of a site, or the host's only bench where the site is gone.

    Raises:
        LifeboatError: ``bench_not_found`` or ``bench_ambiguous``, with what to set.
    """
    if bench_path is not None:
        return bench_at(bench_path)
    benches = find_benches(search_paths, root)
    chosen = [bench for bench in benches if bench.site(site_name).exists()] or benches
    if not chosen:
        raise LifeboatError(
            f"Cannot find the bench of {site_name}: this host has none in the usual places. Set bench_path.",
            "bench_not_found",
        )
    if len(chosen) > 1:
        paths = [str(bench.path) for bench in chosen]
        raise LifeboatError(
            f"Cannot tell which bench {site_name} belongs to: {', '.join(paths)}. Set bench_path.",
            "bench_ambiguous",
            {"benches": paths},
        )
    return chosen[0]


def usable_interpreters(benches: Iterable[Bench]) -> list[str]:
    """Return the Pythons of benches that can be started."""
    return [str(bench.interpreter) for bench in benches if os.access(bench.interpreter, os.X_OK)]


def _matches(patterns: Iterable[str], root: Path) -> Iterator[Path]:
    for pattern in patterns:
        relative = pattern.strip("/")
        yield from root.glob(relative) if relative else (root,)


def _homes(root: Path) -> list[Path]:
    try:
        lines = (root / "etc" / "passwd").read_text(errors="replace").splitlines()
    except OSError:
        return []
    homes = {line.split(":")[5] for line in lines if line.count(":") >= 6}  # noqa: PLR2004 (passwd(5): home is sixth)
    return [root / home.lstrip("/") for home in homes if home.strip("/")]


def _working_places(root: Path) -> list[Path]:
    proc_path = root / "proc"
    if not proc_path.is_dir():
        return []
    places = {process.working_directory for process in list_processes(proc_path)}
    # Processes of a bench stand in it or in its folder of sites.
    return [path for place in places if place is not None for path in (place, place.parent) if is_bench(path)]


def _children(folder: Path) -> list[Path]:
    try:
        return [entry for entry in folder.iterdir() if entry.is_dir()]
    except OSError:
        return []
