"""Starting a service of a bench, at first or again, by whoever manages it."""

from __future__ import annotations

from pathlib import Path

from .._system.commands import CommandRunner
from .._system.errors import LifeboatError
from .layout import ROOT, Bench
from .processes import list_processes
from .service import Service
from .supervisor import control_commands
from .systemd import user_options


def manager_commands(action: str, service: Service, bench: Bench, root: Path = ROOT) -> list[list[str]]:
    """Return the commands that act on a service, one for each daemon that may have it; none where nothing manages it.

    Args:
        action: ``start`` or ``restart``.
        service: The service.
        bench: The bench that it belongs to.
        root: The folder that stands for ``/``.
    """
    if service.manager == "supervisor":
        clients = control_commands(bench, list_processes(root / "proc"), root)
        return [[*client, action, service.name] for client in clients]
    if service.manager == "systemd":
        return [["systemctl", action, service.name]]
    if service.manager == "systemd-user":
        return [["systemctl", *user_options(bench), action, service.name]]
    return []


def start_service(service: Service, bench: Bench, run: CommandRunner, root: Path = ROOT) -> None:
    """Start a service.

    Args:
        service: The service.
        bench: The bench that it belongs to.
        run: Runs ``supervisorctl`` and ``systemctl``.
        root: The folder that stands for ``/``.

    Raises:
        LifeboatError: ``command_failed`` when no manager starts it.
    """
    _act("start", service, bench, run, root)


def restart_service(service: Service, bench: Bench, run: CommandRunner, root: Path = ROOT) -> None:
    """Stop a service and start it again; as ``start_service``, but for the time that its end may take."""
    _act("restart", service, bench, run, root)


def _act(action: str, service: Service, bench: Bench, run: CommandRunner, root: Path) -> None:
    answers = [run(command) for command in manager_commands(action, service, bench, root)]
    # supervisorctl of old versions ends with 0 whatever it did, so what it says counts.
    if not any(answer.exit_code == 0 and "ERROR" not in answer.output for answer in answers):
        raise LifeboatError(
            f"Cannot {action} {service.name}: {service.manager} refuses it or has no such service. "
            f"Read its log, and {action} it by hand.",
            "command_failed",
        )
