"""A disk that is full, of bytes or of names, ends no training: it is said, waited for, and caught up with."""

import subprocess
import time
from pathlib import Path

import pytest
import trainings
from disks import Disk, small
from machines import Machine, wait_for

from ernie_core.store import disk


@pytest.mark.slow
def test_a_training_on_a_full_disk_waits_for_room_and_ends_as_if_there_had_been_enough(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(trainings.steps(), store="undisturbed")
    machine.kfp("run", "demo.yaml")
    with small(machine.folder / "small", "60m") as full:
        store = full.folder / "store"
        machine.spec(trainings.steps(), store=str(store))
        runner = machine.start("run", "demo.yaml")
        wait_for(lambda: trainings.checkpoints(store))
        full.fill()
        stuck = _stands_still(machine, store)
        assert runner.poll() is None
        full.empty()
        _, err = runner.communicate(timeout=120)
        assert runner.returncode == 0, err
        assert err.count("the record of the run could not be written, the run continues and retries: disk full") == 1
        assert "the record of the run is written again" in err
        assert 'doing="saving step' in err, "a person sees what it waits for"
        said = trainings.log(machine, store)
        assert "[the following lines could not be written at the time: no space left on device" in said
        assert "retrying for at most 1800 s" in said
        assert "training from random weights" in said and "resuming after step" not in said
        assert trainings.model(store) == trainings.model(machine.folder / "undisturbed"), f"it stood at {stuck}"


def _stands_still(machine: Machine, store: Path) -> list[int]:
    """Until no checkpoint has come for a while."""
    found, since = trainings.checkpoints(store), time.monotonic()
    while time.monotonic() - since < 13:  # the record has a beat of ten seconds
        time.sleep(0.5)
        if (now := trainings.checkpoints(store)) != found:
            found, since = now, time.monotonic()
    return found


def test_a_disk_that_is_full_when_a_run_begins_is_one_clear_message(machine: Machine) -> None:
    with small(machine.folder / "small", "2m") as full:
        machine.spec(trainings.TEXT, store=str(full.folder / "store"))
        full.fill()
        done = machine.kfp("run", "demo.yaml", check=1)
        assert "disk full" in done.stderr and "free some space" in done.stderr
        assert "Traceback" not in done.stderr and "defect" not in done.stderr
        full.empty()
        machine.kfp("run", "demo.yaml")


def test_inodes_that_are_used_up_are_not_answered_with_free_bytes(tmp_path: Path) -> None:
    with small(tmp_path / "small", "50m", inodes=50) as full:
        _use_up_names(full)
        done = subprocess.run(["touch", full.folder / "one-more"], capture_output=True, text=True)
        assert "No space left" in done.stderr
        said = str(disk.full(full.folder, 100))
        assert "can hold no more files" in said and "remove files" in said and "free some space" not in said


def _use_up_names(full: Disk) -> None:
    for number in range(100):
        try:
            (full.folder / str(number)).touch()
        except OSError:
            return
