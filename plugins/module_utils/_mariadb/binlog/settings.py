"""Whether a server's settings let its binary log bring back what was written, and what mends each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..._system.quantities import DAY_SECONDS, duration_text

CRITICAL, WARNING = "critical", "warning"
OPTION_SECTION = "[mariadbd]"
# Runs that may fail one after the other before a file is deleted that was not archived; own proposal.
RUNS_TO_SPARE = 4


@dataclass(frozen=True)
class SettingFinding:
    """A setting that should be another one.

    Attributes:
        variable: Its name.
        value: What it is now; "" where the server does not know it.
        wanted: What it should be.
        severity: ``critical`` where a recovery to a point in time is refused or impossible, else ``warning``.
        reason: What happens otherwise.
        statement: The statement that sets it now, for new connections; "" where only a restart does.
        option_line: The line of the option file's section ``[mariadbd]`` that keeps it after a restart.
    """

    variable: str
    value: str
    wanted: str
    severity: str
    reason: str
    statement: str
    option_line: str

    @property
    def remedy(self) -> str:
        """What mends it, in one sentence."""
        now = f"{self.statement}; and in" if self.statement else "In"
        restart = "" if self.statement else ", then restart the server"
        return f"{now} the option file under {OPTION_SECTION}: {self.option_line}{restart}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "remedy": self.remedy}


def judge_settings(variables: Mapping[str, str], archive_interval_seconds: int) -> tuple[SettingFinding, ...]:
    """Return the settings that put a recovery to a point in time at risk; none where all is well.

    Args:
        variables: The server's global variables, names in lower case.
        archive_interval_seconds: The time between two runs of the archive.
    """
    if variables.get("log_bin", "OFF").upper() not in ("ON", "1"):
        reason = "nothing that is written after a backup can be brought back"
        return (SettingFinding("log_bin", "OFF", "ON", CRITICAL, reason, "", "log_bin = binlog"),)
    findings = [
        _differs(variables, "binlog_format", "ROW", CRITICAL, _STATEMENTS, "'ROW'"),
        _differs(variables, "binlog_row_image", "FULL", CRITICAL, _IMAGES, "'FULL'"),
        _differs(variables, "sync_binlog", "1", WARNING, _LOST_TAIL, "1"),
        _differs(variables, "binlog_checksum", "CRC32", WARNING, _UNSEEN_DAMAGE, "'CRC32'"),
        _retention(variables, archive_interval_seconds),
        _total_size(variables),
    ]
    return tuple(finding for finding in findings if finding is not None)


_STATEMENTS = (
    "a statement in the log need not change the same rows when it is replayed, and changes rows of other databases; "
    "recoveries over such a transaction are refused"
)
_IMAGES = "row images that lack columns cannot be undone, and hide what differs; recoveries over them are refused"
_LOST_TAIL = "a crash of the host loses the end of the log, while the database may keep what it said"
_UNSEEN_DAMAGE = "damage to a log file cannot be seen"


def _differs(
    variables: Mapping[str, str], name: str, wanted: str, severity: str, reason: str, literal: str
) -> SettingFinding | None:
    value = variables.get(name, "")
    if value.upper() == wanted:
        return None
    return SettingFinding(name, value, wanted, severity, reason, f"SET GLOBAL {name} = {literal}", f"{name} = {wanted}")


def _retention(variables: Mapping[str, str], archive_interval_seconds: int) -> SettingFinding | None:
    """Judge how long the server keeps its logs; 0 keeps them for ever."""
    value = variables.get("binlog_expire_logs_seconds")
    kept_seconds = float(value) if value is not None else DAY_SECONDS * float(variables.get("expire_logs_days", 0))
    needed_seconds = max(RUNS_TO_SPARE * archive_interval_seconds, DAY_SECONDS)
    if kept_seconds == 0 or kept_seconds >= needed_seconds:
        return None
    name = "binlog_expire_logs_seconds"
    return SettingFinding(
        name,
        f"{kept_seconds:.0f}",
        f"{needed_seconds}",
        WARNING,
        f"a log is deleted after {duration_text(kept_seconds)}, and the archive runs every "
        f"{duration_text(archive_interval_seconds)}: after {RUNS_TO_SPARE} runs that fail there is a gap",
        f"SET GLOBAL {name} = {needed_seconds}",
        f"{name} = {needed_seconds}",
    )


def _total_size(variables: Mapping[str, str]) -> SettingFinding | None:
    name = "max_binlog_total_size"
    value = variables.get(name, "0")
    if value == "0":
        return None
    reason = "logs are deleted by their size, however fast they grow and whether they were archived or not"
    return SettingFinding(name, value, "0", WARNING, reason, f"SET GLOBAL {name} = 0", f"{name} = 0")
