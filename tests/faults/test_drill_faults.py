"""Drills that are killed, that meet each other or a recovery, and whose scratch place fills up."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.drill_records import (
    append_drill_record,
    read_drill_records,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill import run
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.lab.lab import Lab
from tests.lab.processes import wait_until
from tests.promotion_stage import FORKED, exit_code_of
from tests.site_drills import SITE, Drills
from tests.whole_recovery import LiveSite, Traces

# After the begin of a phase its work is not done; the end of one is the begin of the next.
MOMENTS = [
    *(("verify", "begin"), ("load", "begin"), ("files", "begin"), ("prove", "begin")),
    *(("cleanup", "begin"), ("cleanup", "done")),
    # And in the middle of what takes long.
    *(("load", "load"), ("files", "extract files"), ("prove", "check tables")),
]
NOTHING_LEFT = [SITE, f"{SITE}/drill.lock", f"{SITE}/drills.jsonl"]
AT_ONCE = "no-such-set"


class Patient(Drills):
    """A site whose drills are disturbed, with what must stay as it is."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        super().__init__(lab, folder)
        self.back_up()
        self.live: LiveSite = self.recovery.live()
        self.traces: Traces = self.recovery.traces()

    def is_untouched(self) -> bool:
        """Tell whether the live site and its server are what they were."""
        return (self.recovery.live(), self.recovery.traces()) == (self.live, self.traces)

    def records(self) -> list[dict[str, Any]]:
        """Return the records of the site's drills."""
        return read_drill_records(self.state_path, SITE)

    def servers(self) -> list[str]:
        """Return the processes that have a scratch folder of this state on their command line."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if f"{self.state_path}/".encode() in command:
                found.append(process.name)
        return found

    def clean_up_after_the_dead(self) -> None:
        """Run a drill that finds nothing to drill: like any other, it removes what a dead one left."""
        result = self.run(recover_to=AT_ONCE)
        assert (result["failed"], result["error_code"]) == (True, "recover_to_invalid")

    @contextmanager
    def under_way(self, phase: str) -> Iterator[Event]:
        """Run a drill in a process of its own that waits in a phase until the event is set, and passes then."""
        reached, go_on = FORKED.Event(), FORKED.Event()

        def wait_there(name: str, event: str) -> None:
            if (name, event) == (phase, "begin"):
                reached.set()
                go_on.wait()

        process = FORKED.Process(target=lambda: self.run_watched(wait_there))
        process.start()
        try:
            wait_until(lambda: reached.is_set() or process.exitcode is not None, "the drill")
            yield go_on
            go_on.set()
            process.join()
            assert process.exitcode == 0
        finally:
            process.kill()
            process.join()


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    folder = tmp_path_factory.mktemp("disturbed-drills")
    with Lab(folder / "lab", services=False, sites=(SITE,)) as lab:
        yield Patient(lab, folder)
    shutil.rmtree(folder)


@pytest.fixture
def small_scratch(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for a drill and not much more, where this machine lets tests mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("NOT TESTED: a full scratch volume needs root, to mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def die_at(phase: str, event: str) -> run.OnPhase:
    def on_phase(name: str, what: str) -> None:
        if (name, what) == (phase, event):
            os.kill(os.getpid(), signal.SIGKILL)

    return on_phase


class Deadly(ProgressReporter):
    """Kills its process while a step is under way."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self._deadly_step = step

    def update(self, *arguments: Any, **named: Any) -> None:
        """Tell nobody."""
        if self.progress.step == self._deadly_step and (arguments or named):
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.promise(11)
@pytest.mark.promise(25)
@pytest.mark.parametrize(("phase", "event"), MOMENTS, ids=lambda part: part)
def test_what_a_killed_drill_left_is_removed_and_recorded_by_the_next(patient: Patient, phase: str, event: str) -> None:
    known = len(patient.records())
    progress = Deadly(event)
    killed = exit_code_of(lambda: patient.run_watched(die_at(phase, event), progress))
    assert killed == -signal.SIGKILL
    wait_until(lambda: not patient.servers(), "the end of the drill's server")
    assert len(patient.records()) == known
    assert patient.is_untouched()
    patient.clean_up_after_the_dead()
    assert patient.left() == NOTHING_LEFT
    dead = patient.records()[known]
    assert (dead["outcome"], dead["error"]["code"]) == ("failed", "module_killed")
    assert f"during {phase}" in dead["error"]["reason"]


@pytest.mark.promise(11)
@pytest.mark.promise(25)
def test_a_drill_killed_after_its_record_is_not_recorded_twice(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def append_and_die(*arguments: Any) -> None:
        append_drill_record(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as context:
        context.setattr(run, "append_drill_record", append_and_die)
        killed = exit_code_of(lambda: patient.run_watched(lambda _phase, _event: None, recover_to=AT_ONCE))
    assert killed == -signal.SIGKILL
    records = patient.records()
    patient.clean_up_after_the_dead()
    assert patient.records()[:-1] == records
    assert patient.left() == NOTHING_LEFT


@pytest.mark.promise(13)
def test_of_two_drills_of_a_site_one_runs_and_the_other_says_who_it_is(patient: Patient) -> None:
    with patient.under_way("prove"):
        refused = patient.run()
        assert (refused["failed"], refused["error_code"]) == (True, "drill_running")
        assert f"process {refused['details']['holder']['pid']}" in refused["msg"]
        assert refused["details"]["holder"]["phase"] == "prove"
    assert patient.records()[-1]["outcome"] == "passed"
    assert patient.left() == NOTHING_LEFT


@pytest.mark.promise(13)
@pytest.mark.promise(14)
def test_a_drill_and_a_recovery_of_the_same_site_do_not_disturb_each_other(patient: Patient) -> None:
    with patient.under_way("files") as go_on:
        begun = patient.recovery.begin(again=True, paths=[str(patient.sets_path)])
        staged = patient.recovery.stage(begun["recovery"])
        go_on.set()
        wait_until(lambda: patient.records()[-1]["outcome"] == "passed" and not patient.servers(), "the drill")
    assert staged in patient.recovery.traces().databases
    patient.recovery.abandon(begun["recovery"])
    assert patient.is_untouched()


@pytest.mark.promise(12)
def test_a_drill_whose_own_server_dies_fails_and_leaves_nothing(patient: Patient) -> None:
    class DeadlyForTheServer(ProgressReporter):
        def update(self, *_arguments: Any, **_named: Any) -> None:
            if self.progress.step == "check tables":
                for process in patient.servers():
                    os.kill(int(process), signal.SIGKILL)

    record = patient.run_watched(lambda _phase, _event: None, DeadlyForTheServer()).record
    assert (record["outcome"], record["error"]["code"]) == ("failed", "mariadb_lost")
    assert [phase["outcome"] for phase in record["phases"]] == ["done", "done", "done", "failed", "done"]
    assert not list((patient.state_path / SITE).glob("lifeboat-drill-*"))
    assert patient.is_untouched()


@pytest.mark.promise(9)
@pytest.mark.parametrize("phase", ["load", "files"])
def test_a_scratch_volume_that_fills_up_fails_the_drill_alone(
    patient: Patient, small_scratch: Path, phase: str
) -> None:
    def fill(name: str, event: str) -> None:
        if (name, event) == (phase, "begin"):
            with (small_scratch / "filler").open("wb") as filler:
                os.posix_fallocate(filler.fileno(), 0, shutil.disk_usage(small_scratch).free - 200_000)

    record = patient.run_watched(fill, scratch_path=small_scratch).record
    assert (record["outcome"], record["rto_seconds"]) == ("failed", None)
    assert record["phases"][-2]["name"] == phase
    assert record["phases"][-2]["outcome"] == "failed"
    assert {path.name for path in small_scratch.rglob("*")} == {"filler", SITE}
    assert patient.is_untouched()


@pytest.mark.promise(9)
def test_a_scratch_volume_without_room_is_refused_before_anything_is_made(patient: Patient) -> None:
    record = patient.failed(reserve_bytes=2**62)
    assert record["error"]["code"] == "disk_space"
    assert [phase["name"] for phase in record["phases"]] == ["verify", "cleanup"]
    assert patient.is_untouched()


def test_a_damaged_note_of_a_drill_never_leads_to_a_removal(patient: Patient, tmp_path: Path) -> None:
    note = patient.state_path / SITE / "drill.json"
    note.write_text(
        '{"drill": "d", "site": "alpha.localhost", "host": "h", "user": "u", "pid": 1, "since": "2026-11-21T03:00:00Z",'
        f' "scratch": "{tmp_path}", "phase": ""}}'
    )
    with pytest.raises(LifeboatError, match="is no folder of a drill") as refused:
        patient.run_watched(lambda _phase, _event: None)
    assert refused.value.error_code == "drill_scratch_unsafe"
    assert tmp_path.is_dir()
    note.unlink()
