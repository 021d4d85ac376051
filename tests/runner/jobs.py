"""Jobs as AWX runs them: by ansible-runner, from a project of thin playbooks; what it keeps of them is read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.tools.checkout import COLLECTIONS_PATH, tool_environment


@dataclass(frozen=True)
class Job:
    """The artifacts that a run left."""

    folder: Path

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        paths = (self.folder / "job_events").glob("*-*.json")
        return sorted((json.loads(path.read_text()) for path in paths), key=lambda event: event["counter"])

    def results_of(self, event: str) -> list[dict[str, Any]]:
        """What the tasks returned whose events are of one kind, as `runner_on_failed`."""
        return [each["event_data"]["res"] for each in self.events if each["event"] == event]

    @property
    def published(self) -> dict[str, Any]:
        """What `set_stats` published: AWX hands it to the next node of a workflow."""
        data: dict[str, Any] = self.events[-1]["event_data"]["artifact_data"]
        return data

    def files_with(self, secrets: list[str]) -> list[str]:
        """The artifacts that hold one of the secrets."""
        assert secrets
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return [path.name for path in files if any(secret in path.read_text(errors="replace") for secret in secrets)]


@dataclass(frozen=True)
class Project:
    """The folder that AWX hands to ansible-runner."""

    folder: Path

    @classmethod
    def of_playbooks(cls, folder: Path, names: list[str], inventory: str, variables: Mapping[str, Any]) -> Project:
        """Write a project that imports playbooks of the collection under their own names."""
        for name in ("env", "inventory", "project"):
            (folder / name).mkdir()
        (folder / "inventory" / "hosts").write_text(inventory)
        for name in names:
            play = {"name": name.capitalize(), "ansible.builtin.import_playbook": f"lifeboat.frappe.{name}"}
            (folder / "project" / f"{name}.yml").write_text(yaml.safe_dump([play]))
        (folder / "env" / "envvars").write_text(yaml.safe_dump({"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS_PATH)}))
        (folder / "env" / "extravars").write_text(yaml.safe_dump({**variables, "lifeboat_become": False}))
        return cls(folder)

    def run(self, playbook: str, ident: str, *arguments: str) -> Job:
        """Run one of the playbooks with extra variables (`name=value`) and options of ansible-playbook."""
        extra = (f"-e {argument}" if "=" in argument else argument for argument in arguments)
        (self.folder / "env" / "cmdline").write_text(" ".join(extra))
        subprocess.run(
            ["ansible-runner", "run", str(self.folder), "-p", f"{playbook}.yml", "--ident", ident],
            env=tool_environment(),
            check=False,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        return Job(self.folder / "artifacts" / ident)
