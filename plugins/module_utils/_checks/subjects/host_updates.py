"""Check of the security updates that wait to be installed, and of what should install them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..._system.packages import installed_versions, newer_versions
from ..._system.quantities import DAY_SECONDS, duration_text
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.host import Host

UPDATES_ITEM = "security updates"
# At the first look nobody knows how long updates have waited: longer than is right, unless the packages are younger.
FIRST_LOOK_SECONDS = 8 * DAY_SECONDS
_STATUS = "/var/lib/dpkg/status"
_LISTS = "/var/lib/apt/lists"
# Lists of an account that this host may not have.
_FOREIGN_LIST = "esm.ubuntu.com"
# What apt touches when it fetches lists; the lists themselves carry the archive's time.
_LIST_STAMPS = (f"{_LISTS}/partial", _LISTS, "/var/lib/apt/periodic/update-success-stamp")
_UPGRADE_SETTING = re.compile(r'^\s*APT::Periodic::Unattended-Upgrade\s+"?[1-9]', re.MULTILINE)
_UPGRADE_STAMP = "/var/lib/apt/periodic/unattended-upgrades-stamp"
_RPM = re.compile(r"\S+\.(?:x86_64|aarch64|noarch|i686)\b")


@check(
    "H18",
    "updates.security",
    title="Security updates",
    subject="host",
    target=Host,
    measures="how long security updates have waited; how old the lists of packages and the last unattended upgrade are",
    source="dpkg's status against apt's lists of the security archive, dnf updateinfo, apt's stamps",
    unit="seconds",
    warning="604800",
    critical="2592000",
    impact="high",
    remediation=Remediation(
        "Install them in the next window (apt-get update && apt-get upgrade, or dnf upgrade --security), and let "
        "unattended-upgrades do so from then on."
    ),
    reference="Lynis PKGS-7392; 7 and 30 days: own proposal",
)
def updates_security(target: Host) -> Iterator[Measurement]:
    """Compare what is installed with what the host already knows; nothing is fetched, locked or written."""
    if target.path(_STATUS).is_file():
        yield _waiting(target, _pending_of_apt(target), "apt")
        yield from _stamps(target)
    elif target.path("/var/lib/rpm").is_dir() or target.path("/usr/lib/sysimage/rpm").is_dir():
        # -C: from the cache alone.
        output = target.output_of(["dnf", "-q", "-C", "updateinfo", "list", "--security"])
        yield _waiting(target, sorted(set(_RPM.findall(output))), "dnf")
    else:
        raise NotApplicableError("this host has neither dpkg nor rpm")


def _pending_of_apt(target: Host) -> list[str]:
    folder = target.path(_LISTS)
    lists = sorted(path for path in folder.glob("*_Packages*") if "security" in path.name)
    own_lists = [path for path in lists if not path.name.startswith(_FOREIGN_LIST)]
    if not own_lists:
        raise UnmeasurableError("apt has no list of a security archive: run apt-get update, or add the archive")
    installed = installed_versions(target.read(_STATUS))
    return sorted(newer_versions(installed, (_list_text(target, path) for path in own_lists)))


def _list_text(target: Host, path: Path) -> str:
    if path.name.endswith("_Packages"):
        return path.read_text(errors="replace")
    return target.output_of(["/usr/lib/apt/apt-helper", "cat-file", str(path)])


def _waiting(target: Host, packages: list[str], tool: str) -> Measurement:
    if not packages:
        return Measurement(0, UPDATES_ITEM, f"{tool} knows of no security update that is missing", fact="0")
    earlier = target.surroundings.history.fact("H18", target.name, UPDATES_ITEM)
    now = target.now_seconds
    first_look = max(now - FIRST_LOOK_SECONDS, _installed_at_seconds(target, packages))
    since = float(earlier) or now if earlier else first_look
    seconds = max(0.0, now - since)
    text = f"{len(packages)} packages miss a security update, for {duration_text(seconds)} as far as is known"
    return Measurement(seconds, UPDATES_ITEM, text, tuple(packages), fact=f"{since:.0f}")


def _installed_at_seconds(target: Host, packages: list[str]) -> float:
    """Return when the oldest of these packages came; 0 where that is not told."""
    # Some names have the architecture after a colon: libc6:amd64.list.
    files = target.path("/var/lib/dpkg/info").glob("*.list")
    return min((path.stat().st_mtime for path in files if path.stem.partition(":")[0] in packages), default=0.0)


def _stamps(target: Host) -> Iterator[Measurement]:
    fetched = [path.stat().st_mtime for path in map(target.path, _LIST_STAMPS) if path.exists()]
    age = max(0.0, target.now_seconds - max(fetched, default=0.0))
    yield Measurement(age, "package lists", f"apt fetched its lists {duration_text(age)} ago")
    settings = sorted(target.path("/etc/apt/apt.conf.d").glob("*"))
    switched_on = [path for path in settings if _UPGRADE_SETTING.search(path.read_text(errors="replace"))]
    if switched_on:
        stamp = target.path(_UPGRADE_STAMP)
        since = (stamp if stamp.exists() else switched_on[-1]).stat().st_mtime
        age = max(0.0, target.now_seconds - since)
        yield Measurement(age, "unattended upgrades", f"unattended-upgrades last ran {duration_text(age)} ago")
