# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module of the same name in the background, shows how far it is, and names who runs the recovery, and how."""

from __future__ import annotations

import getpass
import os
import shlex
import socket
from collections.abc import Iterator
from typing import Any

from ansible.utils.vars import load_extra_vars
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.watched_action import WatchedActionBase

# Given with -e, these lead to the host, the bench and its server; without them another command would not find the site.
WAY_TO_THE_SITE = (
    "lifeboat_hosts",
    "lifeboat_become",
    "lifeboat_bench_path",
    "lifeboat_state_path",
    "lifeboat_mariadb_config_file",
    "lifeboat_mariadb_login_host",
    "lifeboat_mariadb_login_port",
    "lifeboat_mariadb_login_unix_socket",
    "lifeboat_mariadb_login_user",
)


class ActionModule(WatchedActionBase):
    """The action of lifeboat.frappe.site_recovery."""

    ITEMS = "artifacts"

    def module_arguments(self) -> dict[str, Any]:
        """Add the holder of the site's lock: the user and the ansible-playbook process, of which this is a child.

        What of the command line leads to the site goes to the arguments of the command that rolls back.
        """
        controller = {"host": socket.gethostname(), "user": getpass.getuser(), "pid": os.getppid()}
        arguments = {"holder": controller, **super().module_arguments()}
        if arguments.get("state") == "finished":
            arguments["playbook_arguments"] = [*arguments.get("playbook_arguments", []), *self._way_to_the_site()]
        return arguments

    def is_long(self) -> bool:
        """Tell the beginning, which reads the whole set, from the end, which shows no progress."""
        return bool(self._task.args.get("state", "begun") == "begun")

    def _way_to_the_site(self) -> Iterator[str]:
        given = load_extra_vars(self._loader)
        for name in WAY_TO_THE_SITE:
            if name in given:
                yield from ("-e", f"{name}={shlex.quote(str(given[name]))}")
