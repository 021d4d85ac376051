# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module of the same name in the background and shows how far it is."""

from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.plugin_utils.watched_action import WatchedActionBase


class ActionModule(WatchedActionBase):
    """The action of lifeboat.frappe.database_maintenance."""

    ITEMS = "tables"
