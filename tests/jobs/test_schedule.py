"""Kills and stops by a schedule, full disks and stores that are away among them: every file ends as if undisturbed.

The schedule is drawn anew each week of the year; ERNIE_TEST_SEED names another one, to see again what it has shown.
"""

import contextlib
import datetime
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
import servers
import trainings
from disks import small
from machines import Machine, wait_for

from components.runtime.parent import STILL
from ernie_core.store import Store, artefact, open_store, pointed

WEEK = datetime.datetime.now(datetime.timezone.utc).isocalendar()
SEED = int(os.environ.get("ERNIE_TEST_SEED") or WEEK.year * 100 + WEEK.week)
STEPS = 50
"""That a life may make at the most before it is disturbed."""
LEAVING = STILL + 120
"""Seconds in which all processes must have left: a request that hangs is given up after 120, a process that does
nothing after `STILL`."""
Trouble = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Life:
    """One life of a training: when it is disturbed, how, and whether in the midst of other trouble."""

    moment: str
    steps: int
    how: str
    trouble: bool


def schedule(lives: int, ranks: int) -> list[Life]:
    """The same for the same seed."""
    draw = random.Random(f"{SEED} {lives} {ranks}")
    moments = ("as it starts", "as ranks meet", "in a step", "in a step", "in a step", "in a save")
    hows = (
        "kill rank 0",
        f"kill rank {ranks - 1}",
        "kill the step",
        "kill the runner",
        "kill all",
        "Ctrl-C",
        "SIGTERM",
    )
    return [
        Life(draw.choice(moments), draw.randint(1, STEPS), draw.choice(hows), draw.random() < 0.3) for _ in range(lives)
    ]


class Subject:
    """The training that is disturbed."""

    def __init__(self, machine: Machine, store: Store) -> None:
        self.machine, self.store = machine, store

    @property
    def kept(self) -> int:
        """The step of the newest checkpoint."""
        names = [pointed(self.store, f"pretrain/{name}/model_last") for name in self.store.children("pretrain")]
        return max((int((name or "model_0").removeprefix("model_")) for name in names), default=0)

    def live(self, life: Life, trouble: Trouble) -> tuple[int, int, float]:
        """Start it, disturb it, see all of it gone; the step it was at, the newest checkpoint after that, and how many
        seconds the last process outlived the runner."""
        before, runner = self.kept, self.machine.start("run", "demo.yaml")
        try:
            wait_for(lambda: self._is_due(life, before) or runner.poll() is not None)
            assert runner.poll() is None, runner.communicate()
            with trouble() if life.trouble else nullcontext():
                time.sleep(2 if life.trouble else 0)
                at = trainings.at(self.machine)
                self._act(life, runner)
                time.sleep(2 if life.trouble else 0)
            runner.communicate(timeout=120)
            began = time.monotonic()
            self._all_leave()
            leaving = time.monotonic() - began
        finally:
            runner.kill()
        return max(at, before), self.kept, leaving

    def _all_leave(self) -> None:
        """Whoever saved has as long as a request to a store, and one that does nothing, may take."""
        try:
            wait_for(lambda: not trainings.processes(self.machine), LEAVING)
        except AssertionError:
            for name, pid in trainings.processes(self.machine).items():
                with contextlib.suppress(OSError):
                    print(f"{name} ({pid}) is still here:\n{Path(f'/proc/{pid}/status').read_text()}")
            raise

    def _is_due(self, life: Life, before: int) -> bool:
        found = trainings.processes(self.machine)
        if not found or life.moment == "as it starts":
            return bool(found)
        if life.moment == "as ranks meet":
            return "rank 0" in found or trainings.at(self.machine) > before
        if life.moment == "in a save" and trainings.at(self.machine) > before:
            return self._is_saving or trainings.at(self.machine) >= before + STEPS
        return trainings.at(self.machine) >= before + life.steps

    @property
    def _is_saving(self) -> bool:
        folder = self.store.path(".staging")
        return folder is None or any(folder.glob("gathering-*"))

    def _act(self, life: Life, runner: "subprocess.Popen[str]") -> None:
        found = trainings.processes(self.machine)
        if life.how in ("Ctrl-C", "SIGTERM"):
            runner.send_signal(signal.SIGINT if life.how == "Ctrl-C" else signal.SIGTERM)
        elif life.how == "kill the runner":
            runner.kill()
        else:
            name = life.how.removeprefix("kill ").removeprefix("the ")
            chosen = list(found.values()) if name == "all" else [found.get(name, found.get("step", 0))]
            for pid in filter(None, chosen):
                os.kill(pid, signal.SIGKILL)
            if len(found) == 1 or name in ("all", "step"):
                return
            time.sleep(0.5)  # a gang starts again by itself: it is stopped, so that a life ends
            runner.send_signal(signal.SIGINT)


def files(store: Store) -> dict[str, str]:
    """The digests of every file of the model."""
    # by the objects: a server may go on listing a folder that was emptied while it was away
    addresses = {"/".join(entry.key.split("/")[:2]) for entry in store.list("pretrain")}
    assert len(addresses) == 1, addresses
    (address,) = addresses
    assert artefact.verify(store, address) == []
    manifest = artefact.read(store, address)
    assert manifest
    return {file.name: file.sha256 for file in manifest.files}


def run(machine: Machine, store: str, lives: int, ranks: int, trouble: Trouble) -> None:
    """Undisturbed, then by the schedule, then to the end; prints what each disturbance cost."""
    machine.corpus(300)
    steps = trainings.steps(lives * STEPS + 20, 10, nodes=ranks, max_restarts=1000)
    machine.spec(steps, store="undisturbed")
    machine.kfp("run", "demo.yaml")
    machine.spec(steps, store=store)
    subject, shared = Subject(machine, open_store(store)), set(os.listdir("/dev/shm"))
    machine.kfp("run", "demo.yaml", "--set", "pretrain.max_steps=1", check=None)
    artefact.remove(subject.store, f"pretrain/{subject.store.children('pretrain')[0]}")
    print(f"\nseed {SEED}, {ranks} processes, {store.split(':')[0]}")
    for number, life in enumerate(schedule(lives, ranks), 1):
        at, kept, leaving = subject.live(life, trouble)
        print(f"{number:3} {life.how:16} {life.moment:14} {'in trouble' if life.trouble else '':10} at {at:5}, "
              f"lost {max(0, at - kept):3} steps, gone after {leaving:.0f} s")  # fmt: skip
    machine.kfp("run", "demo.yaml")
    assert files(subject.store) == files(open_store(machine.folder / "undisturbed"))
    assert not trainings.processes(machine)
    assert not list(machine.home.glob("scratch/*"))
    assert set(os.listdir("/dev/shm")) <= shared
    assert not [entry.key for entry in subject.store.list() if entry.key.endswith(("lease.json", ".uncommitted"))]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_twenty_five_kills_of_one_process_on_a_disk_that_is_full_now_and_then(machine: Machine) -> None:
    with small(machine.folder / "small", "80m") as disk:

        @contextmanager
        def full() -> Iterator[None]:
            disk.fill()
            try:
                yield
            finally:
                disk.empty()

        run(machine, f"file://{disk.folder}/store", 25, 1, full)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_fifteen_kills_of_two_processes_over_a_store_that_is_away_now_and_then(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with servers.seaweed(tmp_path / "seaweed") as (_, environment):
        machine.environment = environment
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        run(machine, f"s3://{servers.BUCKET}/schedule", 15, 2, lambda: servers.away(tmp_path / "seaweed"))
