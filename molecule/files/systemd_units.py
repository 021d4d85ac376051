"""Lays a bench's programs out as units, as `bench setup systemd` does, from what supervisor would run.

A unit for each program, a template for each group of queues, and targets that bring them up. systemd has links to them.
"""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path

CONFIG = Path("/home/frappe/frappe-bench/config")
SYSTEM = Path("/etc/systemd/system")
SERVICE = """\
[Unit]
Description="{name}"
PartOf={target}

[Service]
User=frappe
Group=frappe
Restart=always
Environment={environment}
ExecStart={command}
WorkingDirectory={directory}
"""
TARGET = """\
[Unit]
After=network.target
Wants={units}

[Install]
WantedBy=multi-user.target
"""


def main() -> None:
    services = RawConfigParser()
    services.read(CONFIG / "supervisor.conf")
    files, targets = {}, []
    for section in services.sections():
        kind, _colon, group = section.partition(":")
        if kind != "group":
            continue
        target, wanted = f"{group}.target", []
        for name in services[section]["programs"].split(","):
            program = services[f"program:{name}"]
            is_template = "numprocs" in program
            files[f"{name}{'@' * is_template}.service"] = SERVICE.format(name=name, target=target, **program)
            wanted.append(f"{name}{'@1' * is_template}.service")
        files[target] = TARGET.format(units=" ".join(wanted))
        targets.append(target)
    files["frappe-bench.target"] = TARGET.format(units=" ".join(targets))
    folder = CONFIG / "systemd"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
        (SYSTEM / name).symlink_to(folder / name)


if __name__ == "__main__":
    main()
