"""The timer of systemd that ends debug mode, whatever became of the controller that began it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .._bench.layout import ROOT
from .._system.commands import CommandRunner, run_command
from .._system.errors import LifeboatError

UNIT = "lifeboat-debug"
UNIT_FOLDER = "etc/systemd/system"


@dataclass(frozen=True)
class Timer:
    """The units that the role ``debug`` installs.

    Attributes:
        run: Runs ``systemctl``.
        root: The folder that stands for ``/``.
    """

    run: CommandRunner = run_command
    root: Path = ROOT

    @property
    def has_systemd(self) -> bool:
        """Whether systemd runs here, so that the role can install the units."""
        return (self.root / "run/systemd/system").is_dir()

    @property
    def is_installed(self) -> bool:
        """Whether systemd runs here, and has the units."""
        units = (self.root / UNIT_FOLDER / f"{UNIT}.{kind}" for kind in ("timer", "service"))
        return self.has_systemd and all(unit.is_file() for unit in units)

    def start(self) -> None:
        """Start the timer, also after each boot.

        Raises:
            LifeboatError: ``debug_timer_failed``.
        """
        self._systemctl("daemon-reload")
        self._systemctl("enable", "--now", f"{UNIT}.timer")

    def run_program(self) -> None:
        """Have systemd run the timer's program once, and wait for its end.

        Raises:
            LifeboatError: ``debug_timer_failed``.
        """
        self._systemctl("start", f"{UNIT}.service")

    def stop(self) -> None:
        """Stop the timer for good, where there is one.

        Raises:
            LifeboatError: ``debug_timer_failed``.
        """
        if self.is_installed:
            self._systemctl("disable", "--now", f"{UNIT}.timer")

    def _systemctl(self, *arguments: str) -> None:
        result = self.run(("systemctl", *arguments))
        if result.exit_code:
            raise LifeboatError(
                f"Cannot {arguments[0]} {arguments[-1]}, which ends debug mode: systemctl ended with "
                f"{result.exit_code}. Look at journalctl -u {UNIT}.service; the program needs PyMySQL for its Python "
                "(role lifeboat.frappe.prerequisites).",
                "debug_timer_failed",
                {"output": result.error_output[-1000:]},
            )
