"""Images that no container of Docker or podman uses, by the engine's own means."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from ..._system.errors import LifeboatError
from ..._system.quantities import DAY_SECONDS
from ..settings import SETTING, older_than_days
from ..tasks import DONE, Planned, Refusal, Task, TaskContext, TaskOutcome, TaskRule

ID = "container_images"
# What says that an engine is in use here: the socket of the one's daemon, the storage of the other.
ENGINES = {"docker": "run/docker.sock", "podman": "var/lib/containers/storage"}
ROOT_FORMATS = {"docker": "{{.DockerRootDir}}", "podman": "{{.Store.GraphRoot}}"}
DEFAULT_DAYS = 7.0
UNUSED, KEEP_LABEL = "unused", "keep_label"
# Builds that can be repeated byte by byte are dated 1970: of those it is not known when they came.
FIRST_DATE = "1980"


@dataclass(frozen=True)
class ImageSettings:
    """Which images go.

    Attributes:
        older_than_days: From which age on.
        unused: Also those that have a name, as long as no container is made of them.
        keep_label: The key of the label with which an image stays.
    """

    older_than_days: float
    unused: bool
    keep_label: str


@dataclass(frozen=True)
class Image:
    """An image, as its engine describes it; ``created`` is in UTC, to the second, as the engines write it."""

    id: str
    created: str
    bytes: int = 0
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()

    def is_base_of(self, other: Image) -> bool:
        """Tell whether another image was made of this one, and so keeps its layers."""
        return len(self.layers) < len(other.layers) and other.layers[: len(self.layers)] == self.layers


def _settings(values: Mapping[str, Any]) -> ImageSettings:
    unused, label = values.get(UNUSED, False), values.get(KEEP_LABEL, "keep")
    if set(values) - {SETTING, UNUSED, KEEP_LABEL} or not isinstance(unused, bool) or not isinstance(label, str):
        raise ValueError(f"it takes {SETTING}, {UNUSED} (true or false) and {KEEP_LABEL} (a text)")
    days = older_than_days({name: value for name, value in values.items() if name == SETTING}, DEFAULT_DAYS)
    return ImageSettings(days, unused, label)


def images_that_may_go(images: Sequence[Image], used: Iterable[str], before: str, keep_label: str) -> list[Image]:
    """Return the images that no container uses and that were made before. Pure.

    One that others build on stays, as the disk would get nothing back; and so does one with several names.

    Args:
        images: Those that are looked at.
        used: The ids of those of which a container is made, whether it runs or not.
        before: The moment, as ``Image.created``.
        keep_label: The key of the label with which an image stays.
    """
    kept = set(used)
    return [
        image
        for image in images
        if image.id not in kept
        and FIRST_DATE < image.created < before
        and keep_label not in image.labels
        and len(image.names) <= 1
        and not any(map(image.is_base_of, images))
    ]


def _plan(context: TaskContext, settings: ImageSettings) -> Iterator[Planned]:
    for engine, mark in ENGINES.items():
        if (context.root / mark).exists():
            yield from _plan_engine(context, engine, settings)


def _plan_engine(context: TaskContext, engine: str, settings: ImageSettings) -> list[Planned]:
    age_seconds = int(settings.older_than_days * DAY_SECONDS)
    try:
        images = _found(context, engine, settings, age_seconds)
        if not images:
            return []
        name = "" if settings.unused else " and that have no name"
        room = _output(context, engine, "system", "df", "--format", "{{.Type}}: {{.Size}}, {{.Reclaimable}} unused")
        return [
            Task(
                rule=ID,
                subject=f"images of {engine}",
                count=len(images),
                bytes=sum(image.bytes for image in images),
                age_seconds=age_seconds,
                reason=f"made more than {settings.older_than_days:g} days ago, of no container{name} "
                f"({room.partition(chr(10))[0]})",
                parameters={"engine": engine, "images": [image.id for image in images], "settings": asdict(settings)},
                folder=_output(context, engine, "info", "--format", ROOT_FORMATS[engine]).strip(),
            )
        ]
    except LifeboatError as error:
        return [Refusal(ID, f"images of {engine}", error.error_code, error.message)]


def _apply(context: TaskContext, task: Task, deadline: float) -> TaskOutcome:
    engine, wanted = str(task.parameters["engine"]), set(map(str, task.parameters["images"]))
    if engine not in ENGINES:
        raise ValueError("no such engine")
    settings = ImageSettings(**task.parameters["settings"])
    removed: list[Image] = []
    # Nothing is forced: an image of which a container was made meanwhile stays, and so do those that others build on.
    for image in _found(context, engine, settings, task.age_seconds):
        why_over = context.why_over(deadline)
        if why_over:
            return _outcome(why_over, removed)
        if image.id in wanted and not context.run((engine, "image", "rm", image.id)).exit_code:
            removed.append(image)
    return _outcome(DONE, removed)


def _found(context: TaskContext, engine: str, settings: ImageSettings, age_seconds: int) -> list[Image]:
    listed = ("image", "ls", "--no-trunc", "--quiet", *([] if settings.unused else ["--filter", "dangling=true"]))
    ids = sorted({_plain(line) for line in _output(context, engine, *listed).split()})
    containers = _output(context, engine, "container", "ls", "--all", "--no-trunc", "--quiet").split()
    described = _output(context, engine, "image", "inspect", *ids) if ids else "[]"
    used = _output(context, engine, "container", "inspect", "--format", "{{.Image}}", *containers) if containers else ""
    before = datetime.fromtimestamp(context.now - age_seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    images = [_image(values) for values in json.loads(described)]
    return images_that_may_go(images, map(_plain, used.split()), before, settings.keep_label)


def _image(values: Mapping[str, Any]) -> Image:
    labels = (values.get("Config") or {}).get("Labels") or {}
    return Image(
        id=_plain(values["Id"]),
        created=values["Created"][:19],
        bytes=int(values["Size"]),
        labels=tuple(labels),
        names=tuple(values.get("RepoTags") or ()),
        layers=tuple((values.get("RootFS") or {}).get("Layers") or ()),
    )


def _plain(image_id: str) -> str:
    return image_id.rpartition(":")[2]


def _output(context: TaskContext, engine: str, *arguments: str) -> str:
    result = context.run((engine, *arguments))
    if result.exit_code:
        raise LifeboatError(
            f"Cannot clean up the images of {engine}: {engine} {' '.join(arguments[:2])} ended with "
            f"{result.exit_code}. Run it by hand and see what it says.",
            "command_failed",
        )
    return result.output


def _outcome(outcome: str, removed: Sequence[Image]) -> TaskOutcome:
    return TaskOutcome(outcome, len(removed), sum(image.bytes for image in removed))


CONTAINER_IMAGES = TaskRule(
    id=ID,
    noun="image",
    title="images of Docker and podman that no container uses",
    never_touches="images of containers, be they stopped; images with the label keep; volumes, containers, networks; "
    "images of other accounts than root",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
