"""A task as the file of a plan holds it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.tasks import Task

TASK = Task("log_tables", "a: tabVersion", 5, 500, 60, "old", {"site": "a", "replicas": []})


def test_task_is_the_same_after_its_file() -> None:
    assert Task.from_dict(json.loads(json.dumps(TASK.as_dict()))) == TASK


@pytest.mark.parametrize("values", [{}, {"parameters": 3}, {"parameters": {}, "other": 1}], ids=str)
def test_anything_else_is_no_task(values: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError)):
        Task.from_dict(values)
