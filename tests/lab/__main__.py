"""``python -m tests.lab up|down|demo``: the lab from the command line, in ``.lab`` of the checkout."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from .demo import run_demo
from .keeper import keep, keeper_pid, start_keeper, stop_keeper
from .lab import Lab

FOLDER = Path(__file__).resolve().parents[2] / ".lab"


def main() -> int:
    """Run the command of the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "demo", "keep"))
    parser.add_argument("--frappe", type=int, choices=(15, 16), default=15, help="the version that it behaves like")
    parser.add_argument("--fresh", action="store_true", help="up: build the lab anew")
    arguments = parser.parse_args()
    lab = Lab(FOLDER, frappe_version=arguments.frappe)
    if arguments.command == "keep":
        keep(lab)
    elif arguments.command == "up":
        _up(arguments.frappe, fresh=arguments.fresh)
    else:
        stopped = stop_keeper(FOLDER)
        if arguments.command == "demo":
            return run_demo(FOLDER)
        print("The lab is down." if stopped else "No lab was running.")
    return 0


def _up(frappe_version: int, *, fresh: bool) -> None:
    if fresh:
        stop_keeper(FOLDER)
        shutil.rmtree(FOLDER, ignore_errors=True)
    if keeper_pid(FOLDER) is None:
        start_keeper(FOLDER, ["--frappe", str(frappe_version)])
    lab = Lab(FOLDER, frappe_version=frappe_version)
    print(f"The lab is up: the bench {lab.bench_path}, with a backup of each site.")
    for site in lab.sites:
        print(f"  curl -H 'Host: {site}' http://127.0.0.1:{lab.web_port}/login")
    print(f"  mariadb --defaults-file={lab.mariadb.option_file}")
    print(f"  supervisorctl -c {lab.supervisor_config} status")
    print(f"  ansible-playbook playbooks/recover.yml -i inventories/lab -e site={lab.sites[0]}")
    print("make lab-down ends it.")


sys.exit(main())
