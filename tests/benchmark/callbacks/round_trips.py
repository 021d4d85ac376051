"""Counts the round trips of a run: modules that ran on a host, and the bytes of what they returned."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: round_trips
type: aggregate
short_description: Counts round trips
description: Writes how many modules ran on each host, and how many bytes they returned, as JSON.
"""
# What runs where Ansible runs, without a word to the host.
LOCAL_ACTIONS = {"ansible.builtin.assert", "ansible.builtin.debug", "ansible.builtin.set_fact"}


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Counts, and writes its counts into the file that LIFEBOAT_BENCHMARK_TRIPS names."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "round_trips"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.trips: Counter[str] = Counter()
        self.bytes = 0
        self.severities: Counter[str] = Counter()

    def _count(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002 (the signature is Ansible's)
        returned = result._result
        if result._task.action in LOCAL_ACTIONS or "results" in returned:
            return
        self.trips[result._host.get_name()] += 1
        self.bytes += len(json.dumps(returned, default=str))
        self.severities.update(returned.get("summary", {}).get("counts", {}))

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_item_on_ok = v2_runner_item_on_failed = _count

    def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ARG002 (the signature is Ansible's)
        """Write what was counted."""
        counted = {"trips": dict(self.trips), "bytes": self.bytes, "severities": dict(self.severities)}
        Path(os.environ["LIFEBOAT_BENCHMARK_TRIPS"]).write_text(json.dumps(counted))
