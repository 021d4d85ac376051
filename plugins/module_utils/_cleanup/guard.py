"""What is looked at again before a file of a plan goes, besides the file itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from .._bench.layout import Bench
from .._system.mounts import parse_mounts
from .choice import NEWEST, PROTECTED, Protection, newest_lines
from .find import path_of
from .items import Item
from .open_files import open_files
from .registry import Place, Rule, places_of
from .search import found_in

MOUNTINFO = Path("/proc/self/mountinfo")
# Whatever a rule says: what makes a site, a server and the system itself.
ALWAYS_PROTECTED = (
    *("*/site_config.json", "*/common_site_config.json", "*/apps.txt", "*/private/files/*", "*/public/files/*"),
    *("*/private/backups/*", "/etc/*", "/boot/*", "/usr/*", "/var/lib/mysql/*", "/var/backups/*"),
)


@dataclass(frozen=True)
class Guard:
    """What a file must pass.

    Attributes:
        protection: What never goes, and what is open.
        places: By rule and root the places that the rule looks after.
        newest: The paths that are among the newest of their folder, as many as the plan's rules keep.
    """

    protection: Protection
    places: Mapping[tuple[str, str], Sequence[Place]]
    newest: Collection[str]

    def why_kept(self, item: Item) -> str:
        """Return why a file stays; "" where nothing is against it."""
        places = self.places.get((item.rule, item.root), ())
        if not any(place.is_about(item.path) for place in places):
            return PROTECTED
        if item.path in self.newest:
            return NEWEST
        return self.protection.why(item.path, item.identity.device, item.identity.inode)


def protection_of(rules: Iterable[Rule], benches: Sequence[Bench], patterns: Sequence[str]) -> Protection:
    """Return what stays: whatever is mounted below a rule's folder as well, be it of the same file system.

    Args:
        rules: The rules of files.
        benches: The benches of the host.
        patterns: Shell patterns of whole paths, besides those that are always protected.
    """
    roots = {place.root for rule in rules for place in places_of(rule, benches)}
    mounts = parse_mounts(MOUNTINFO.read_text())
    mounted = [f"{escape(mount.point)}/*" for mount in mounts if roots & set(Path(mount.point).parents)]
    return Protection((*ALWAYS_PROTECTED, *mounted, *patterns), open_files())


def guard_of(
    rules: Iterable[Rule],
    benches: Sequence[Bench],
    protection: Protection,
    items: Iterable[Item],
    keep_newest: Mapping[str, int],
) -> Guard:
    """Return what the files of a plan must pass, by what is there now.

    Args:
        rules: The rules of files.
        benches: The benches of the host.
        protection: What stays.
        items: The files of the plan.
        keep_newest: How many of the newest each rule kept when the plan was made. Some of those may be gone by now.

    Raises:
        LifeboatError: ``command_missing`` or ``command_failed``.
    """
    places: dict[tuple[str, str], list[Place]] = {}
    for rule in rules:
        for place in places_of(rule, benches):
            places.setdefault((rule.id, str(place.root)), []).append(place)
    concerned = sorted({(item.rule, item.root) for item in items if keep_newest.get(item.rule)} & places.keys())
    newest: set[str] = set()
    for rule_id, root in concerned:
        for _place, found in found_in(places[rule_id, root]):
            newest |= {f"{root}/{path_of(line)}" for line in newest_lines(found, keep_newest[rule_id])}
    return Guard(protection, places, newest)
