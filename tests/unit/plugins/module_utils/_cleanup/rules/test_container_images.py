"""Which images may go, and what an engine is asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.container_images import (
    CONTAINER_IMAGES,
    Image,
    images_that_may_go,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.tasks import Refusal, Task, TaskContext
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult

NOW = 1_800_000_000.0  # 2027-01-15
OLD, NEW = "2026-12-01T00:00:00", "2027-01-14T00:00:00"


def test_only_old_images_that_nobody_needs_may_go() -> None:
    images = [
        Image("old", OLD, layers=("a", "b")),
        Image("new", NEW),
        Image("used", OLD),
        Image("kept", OLD, labels=("keep",)),
        Image("undated", "1970-01-01T00:00:00"),
        Image("base", OLD, layers=("a",)),
        Image("same", OLD, layers=("a", "b")),
        Image("two names", OLD, names=("x:1", "x:2"), layers=("c",)),
    ]
    may_go = images_that_may_go(images, ["used"], "2027-01-08T00:00:00", "keep")
    assert [image.id for image in may_go] == ["old", "same"]


class Engine:
    """Docker with one old image, of which a container may be."""

    def __init__(self, root: Path) -> None:
        self.images, self.used, self.asked = ["1f"], [""], []
        self.failing = ""
        (root / "run").mkdir()
        (root / "run" / "docker.sock").touch()

    def __call__(self, arguments: Sequence[str]) -> CommandResult:
        self.asked.append(arguments)
        answers: dict[tuple[str, ...], Any] = {
            ("image", "ls"): "\n".join(f"sha256:{image}" for image in self.images * 2),
            ("container", "ls"): "c1" * bool(self.used[0]),
            ("container", "inspect"): "".join(f"sha256:{image}" for image in self.used),
            ("system", "df"): "Images: 3GB, 1GB (33%) unused\nContainers: 0B, 0B unused",
            ("info", "--format"): "/var/lib/docker\n",
            ("image", "inspect"): json.dumps(
                [
                    {"Id": f"sha256:{image}", "Created": f"{OLD}.123Z", "Size": 700, "Config": {}}
                    for image in self.images
                ]
            ),
            ("image", "rm"): "",
        }
        done = arguments[1:3]
        if done == ("image", "rm") and not self.failing:
            self.images.remove(arguments[3])
        return CommandResult(tuple(arguments), int(done == tuple(self.failing.split())), answers[done], "")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def context_of(engine: Engine, root: Path) -> TaskContext:
    return TaskContext([], root / "state", NOW, root, engine, clock=lambda: 5.0)


def planned(context: TaskContext, **settings: Any) -> list[Any]:
    return list(CONTAINER_IMAGES.plan(context, CONTAINER_IMAGES.settings(settings)))


def test_old_image_goes_once(engine: Engine, tmp_path: Path) -> None:
    context = context_of(engine, tmp_path)
    (task,) = planned(context)
    assert (task.subject, task.count, task.bytes, task.folder) == ("images of docker", 1, 700, "/var/lib/docker")
    assert task.reason == (
        "made more than 7 days ago, of no container and that have no name (Images: 3GB, 1GB (33%) unused)"
    )
    assert ("docker", "image", "ls", "--no-trunc", "--quiet", "--filter", "dangling=true") in engine.asked
    outcome = CONTAINER_IMAGES.apply(context, Task.from_dict(json.loads(json.dumps(task.as_dict()))), 9.0)
    assert (outcome.outcome, outcome.count, outcome.bytes) == ("done", 1, 700)
    assert planned(context) == []


def test_named_images_go_where_that_is_wanted(engine: Engine, tmp_path: Path) -> None:
    (task,) = planned(context_of(engine, tmp_path), unused=True)
    assert "have no name" not in task.reason
    assert ("docker", "image", "ls", "--no-trunc", "--quiet") in engine.asked
    assert planned(context_of(engine, tmp_path), older_than_days=100) == []


def test_image_that_is_used_or_refused_meanwhile_stays(engine: Engine, tmp_path: Path) -> None:
    context = context_of(engine, tmp_path)
    (task,) = planned(context)
    assert CONTAINER_IMAGES.apply(context, task, 1.0).outcome == "out of time"
    engine.failing = "image rm"
    assert CONTAINER_IMAGES.apply(context, task, 9.0).count == 0
    engine.failing, engine.used = "", ["1f"]
    assert CONTAINER_IMAGES.apply(context, task, 9.0).count == 0
    assert engine.images == ["1f"]
    forged = Task.from_dict({**task.as_dict(), "parameters": {**task.parameters, "engine": "/bin/sh"}})
    with pytest.raises(ValueError, match="no such engine"):
        CONTAINER_IMAGES.apply(context, forged, 9.0)


def test_engine_that_does_not_answer_is_refused(engine: Engine, tmp_path: Path) -> None:
    engine.failing = "image ls"
    (refusal,) = planned(context_of(engine, tmp_path))
    assert isinstance(refusal, Refusal)
    assert refusal.error_code == "command_failed"


def test_without_an_engine_there_is_nothing(tmp_path: Path) -> None:
    assert list(CONTAINER_IMAGES.plan(TaskContext([], tmp_path, NOW, tmp_path), CONTAINER_IMAGES.settings({}))) == []


@pytest.mark.parametrize("values", [{"unused": 1}, {"keep_label": 2}, {"all": True}, {"older_than_days": "soon"}])
def test_other_settings_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (each says something else)
        CONTAINER_IMAGES.settings(values)
