# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module of the same name in the background, shows how far it is, and names who runs the recovery."""

from __future__ import annotations

import getpass
import os
import socket
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.plugin_utils.watched_action import WatchedActionBase


class ActionModule(WatchedActionBase):
    """The action of lifeboat.frappe.site_recovery."""

    ITEMS = "artifacts"

    def module_arguments(self) -> dict[str, Any]:
        """Add the holder of the site's lock: the user and the ansible-playbook process, of which this is a child."""
        controller = {"host": socket.gethostname(), "user": getpass.getuser(), "pid": os.getppid()}
        return {"holder": controller, **super().module_arguments()}
