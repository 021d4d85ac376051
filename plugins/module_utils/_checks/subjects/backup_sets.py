"""The backup sets of a site: how old, whether whole, whether ever proven, whether elsewhere too."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..._backups.catalogue import catalogue, site_folders
from ..._backups.drill_records import PASSED, read_drill_records
from ..._backups.manifest_sets import manifest_digest, review_site_folder
from ..._backups.offsite_sets import good_copies
from ..._backups.repository import Repository
from ..._backups.sets import COMPLETE, STRUCTURE, UNREADABLE, BackupSet
from ..._backups.verification import verify_set
from ..._bench.configuration import key_fingerprint
from ..._recovery.record import read_records
from ..._system.quantities import DAY_SECONDS, bytes_text, duration_text
from ..._system.times import parse_rfc3339
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.site import SiteTarget

BACKUP_NOW = Remediation("Find out why the backup job does not run, and take a backup now.", "lifeboat.frappe.backup")
# What a look at every byte gets through within a check's deadline, also on a slow disk.
READ_AT_ONCE_BYTES = 48 * 1024 * 1024
SETS_COMPARED = 5


def _sets(target: SiteTarget) -> list[BackupSet]:
    settings = target.surroundings.settings
    kept = site_folders(target.site, Repository(Path(settings.repository_path)))
    return catalogue([*kept, *map(Path, settings.backup_paths)], target.name)


def _site_folder(target: SiteTarget) -> Path:
    return Repository(Path(target.surroundings.settings.repository_path)).site_folder(target.name)


def _age_seconds(target: SiteTarget, moment: str) -> float:
    return target.now_seconds - parse_rfc3339(moment).timestamp()


@check(
    "B01",
    "backup.age",
    title="Age of the newest complete backup",
    subject="backup",
    target=SiteTarget,
    measures="time since the recovery point of the newest complete set",
    source="catalogue of the site's folders, of repository_path and of backup_paths",
    unit="seconds",
    warning=str(26 * 3600),
    critical=str(50 * 3600),
    impact="critical",
    remediation=BACKUP_NOW,
    reference="Frappe Cloud's audit asks for a backup of yesterday; own margin of two hours",
)
def backup_age(target: SiteTarget) -> Iterator[Measurement]:
    """Judge the data that would be lost now; a site without any complete set is critical."""
    sets = _sets(target)
    newest = next((backup for backup in sets if backup.verdict == COMPLETE), None)
    if newest is None:
        text = f"no complete set; {len(sets)} incomplete" if sets else "no backup set at all"
        yield Measurement(None, text=text, severity="critical")
        return
    age = _age_seconds(target, newest.recovery_point)
    yield Measurement(age, text=f"{newest.name} is {duration_text(age)} old")


@check(
    "B02",
    "backup.whole",
    title="Newest backup is whole",
    subject="backup",
    target=SiteTarget,
    measures="1 where the newest set cannot be restored from, or is far smaller than those before it, or a set is lost",
    source="every byte of the newest set: digests, checksums, the dump's last line, the archives' listings; the chain",
    unit="bool",
    critical="0",
    impact="critical",
    remediation=Remediation("Take a new backup, look at the disk's space and errors, and prove it by a recovery."),
    reference="bench restore accepts a truncated dump; half of the median: own proposal",
)
def backup_is_whole(target: SiteTarget) -> Iterator[Measurement]:
    """Read the newest set once: what was read whole before, and has not changed, is not read again."""
    sets = _sets(target)
    if not sets:
        raise NotApplicableError("the site has no backup set")
    for finding in review_site_folder(_site_folder(target)).findings:
        yield Measurement(1, item=finding.set, text=f"{finding.set} is {finding.finding}", evidence=(finding.text,))
    newest = sets[0]
    mark = _mark(newest)
    is_known = target.surroundings.history.fact("B02", target.name) == mark
    # One with a manifest was read whole when it was made; what is too much to read again is judged by its sizes.
    if newest.manifest is not None and newest.size_bytes > READ_AT_ONCE_BYTES:
        is_known = True
    if newest.verdict == COMPLETE and not is_known:
        if newest.size_bytes > READ_AT_ONCE_BYTES:
            raise UnmeasurableError(
                f"{newest.name} has {bytes_text(newest.size_bytes)}, too much to read within a check: "
                "prove it with backup_info (verify: structure) or by a recovery"
            )
        newest = verify_set(newest, STRUCTURE, site=target.site)
    # Its digests are those of its manifest, which was written when it had been looked into: its key may be kept
    # elsewhere on purpose.
    is_locked = newest.verdict == UNREADABLE and newest.manifest is not None and newest.encrypted
    if newest.verdict != COMPLETE and not is_locked:
        yield Measurement(1, text=f"{newest.name} is {newest.verdict}", evidence=newest.reasons)
        return
    found = _size_against_earlier(newest, sets)
    note = "; its key is not on this host, so it was not looked into" if is_locked else ""
    yield replace(found, text=f"{found.text}{note}", fact=mark)


def _mark(backup: BackupSet) -> str:
    newest = max((artifact.modified_at for artifact in backup.artifacts), default=0.0)
    return f"{backup.name} {backup.size_bytes} {newest:.0f}"


def _size_against_earlier(newest: BackupSet, sets: list[BackupSet]) -> Measurement:
    alike = [backup for backup in sets[1:] if backup.verdict == COMPLETE and _form(backup) == _form(newest)]
    usual = statistics.median([backup.size_bytes for backup in alike[:SETS_COMPARED]]) if alike else 0
    text = f"{newest.name} is whole, {bytes_text(newest.size_bytes)}"
    if newest.size_bytes < usual / 2:
        return Measurement(1, text=f"{text}, less than half of the usual {bytes_text(usual)}", severity="warning")
    return Measurement(0, text=text)


def _form(backup: BackupSet) -> tuple[object, ...]:
    """Return what sets must share for their sizes to be comparable."""
    return (backup.manifest is None, backup.kinds)


@check(
    "B03",
    "backup.restore_proven",
    title="A recovery was proven",
    subject="backup",
    target=SiteTarget,
    measures="time since a drill or a recovery of this site last succeeded; the last drill failed",
    source="the records of the collection on this host",
    unit="seconds",
    warning=str(35 * DAY_SECONDS),
    critical=str(95 * DAY_SECONDS),
    impact="critical",
    remediation=Remediation(
        "Drill the site; where the last drill failed, look at its report.", "lifeboat.frappe.drill"
    ),
    reference="Frappe Cloud restores a sample of its backups each quarter",
)
def backup_restore_proven(target: SiteTarget) -> Iterator[Measurement]:
    """Judge when the site's backups were last proven by using one, and whether the last try failed."""
    state_path = target.surroundings.state_path
    drills = read_drill_records(state_path, target.name)
    recovered = [
        parse_rfc3339(str(record["ended_at"])).timestamp()
        for record in read_records(state_path)
        if record.get("site") == target.name and record.get("outcome") == "recovered" and record.get("ended_at")
    ]
    drilled = [parse_rfc3339(drill["ended_at"]).timestamp() for drill in drills if drill["outcome"] == PASSED]
    proven = [*recovered, *drilled]
    if proven:
        age = target.now_seconds - max(proven)
        way = "drill" if max(proven) in drilled else "recovery"
        yield Measurement(age, text=f"last {duration_text(age)} ago, by a {way}")
    else:
        text = "no recovery or drill of this site ever succeeded here"
        yield Measurement(None, text=text, severity="warning")
    if drills and drills[-1]["outcome"] != PASSED:
        error = drills[-1]["error"]
        severity = "warning" if error["code"] == "drill_too_slow" else "critical"
        text = f"the last drill failed: {error['code']}"
        yield Measurement(None, item="last drill", text=text, severity=severity, evidence=(error["reason"],))


@check(
    "B04",
    "backup.offsite",
    title="Newest backup is off-site",
    subject="backup",
    target=SiteTarget,
    measures="age of the newest set that is in offsite_paths with the same sizes, or was read back with restic",
    source="catalogue of the site's folders against that of offsite_paths; what backup_offsite remembers of its copies",
    unit="seconds",
    warning=str(26 * 3600),
    critical=str(50 * 3600),
    impact="critical",
    remediation=Remediation("Look at the job that copies the sets off the host.", "lifeboat.frappe.backup"),
    reference="Frappe Cloud's OffsiteBackupCheck",
)
def backup_offsite(target: SiteTarget) -> Iterator[Measurement]:
    """Judge the data that would be lost with the host."""
    folders = [Path(path) for path in target.surroundings.settings.offsite_paths]
    read_back = good_copies(_site_folder(target))
    if not folders and read_back is None:
        raise NotApplicableError("offsite_paths is not set, and backup_offsite never ran")
    copies = {_contents(backup) for backup in catalogue(folders, target.name)}
    whole = [backup for backup in _sets(target) if backup.verdict == COMPLETE]
    copied = [backup for backup in whole if _contents(backup) in copies or _digest(backup) in (read_back or ())]
    if not copied:
        yield Measurement(None, text="no set of this site is off-site", severity="critical")
        return
    age = _age_seconds(target, copied[0].recovery_point)
    yield Measurement(age, text=f"the newest set off-site, {copied[0].name}, is {duration_text(age)} old")


def _contents(backup: BackupSet) -> tuple[tuple[str, int], ...]:
    if backup.manifest is not None:
        return ((_digest(backup), backup.size_bytes),)
    return tuple(sorted((artifact.path.name, artifact.size_bytes) for artifact in backup.artifacts))


def _digest(backup: BackupSet) -> str:
    return manifest_digest(backup.folder) if backup.manifest is not None else ""


@check(
    "B05",
    "backup.keys_escrowed",
    title="Keys are kept off the host",
    subject="backup",
    target=SiteTarget,
    measures="keys of the site whose fingerprint is not among escrowed_key_fingerprints",
    source="the site's configuration; the first 12 hex digits of each key's SHA-256",
    unit="count",
    warning="0",
    impact="high",
    remediation=Remediation("Put the key into the vault off the host, and its fingerprint into the health settings."),
    reference="own proposal: without its key a backup is lost",
)
def backup_keys_escrowed(target: SiteTarget) -> Iterator[Measurement]:
    """Compare fingerprints; a key itself is never shown."""
    escrowed = set(target.surroundings.settings.escrowed_key_fingerprints)
    if not escrowed:
        raise NotApplicableError("escrowed_key_fingerprints is not set")
    names = [name for name in ("encryption_key", "backup_encryption_key") if target.configuration.get(name)]
    missing = [name for name in names if key_fingerprint(str(target.configuration[name])) not in escrowed]
    text = f"not escrowed: {', '.join(missing)}" if missing else f"{len(names)} keys, all escrowed"
    yield Measurement(len(missing), text=text)
