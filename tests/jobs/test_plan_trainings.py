"""What a plan says of a training that was begun is what its trainer does."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from beginning import PRETRAIN, TEXT, begin, planned, prepared
from machines import ROOT, Machine, wait_for

from ernie_core.errors import Refused
from ernie_core.store import Entry, artefact, point
from ernie_core.store.posix import PosixStore
from ernie_core.train.checkpoint import commit
from jobs.plan import plan


@pytest.fixture
def spec(machine: Machine) -> Machine:
    machine.spec(TEXT + PRETRAIN)
    return machine


def test_the_command_line_learns_of_checkpoints_without_numpy_or_paddle() -> None:
    code = (
        "import sys, jobs.plan.plan, ernie_core.train.checkpoint.commit; "
        "assert not {'numpy', 'paddle', 'kfp', 'obstore'} & sys.modules.keys(), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_training_goes_on_and_says_how_far_it_is(spec: Machine) -> None:
    begin(spec)
    step = planned(spec)
    assert (step.state, step.reason, step.checkpoint) == ("resume", "resume at step 500 of 900", 500)


def test_a_begun_training_without_a_checkpoint_runs(spec: Machine) -> None:
    begin(spec, steps=())
    assert (planned(spec).state, planned(spec).why) == ("run", "never made in this store")


def test_a_pointer_that_is_missing_is_said_and_the_training_goes_on(spec: Machine) -> None:
    there = begin(spec)
    there.store.delete(there.of("model_last"))
    assert planned(spec).reason == "resume at step 500 of 900; model_last is missing"
    assert commit.latest(there, [].append).step == 500  # type: ignore[union-attr]


def test_a_pointer_that_cannot_be_read_is_said_and_the_training_goes_on(spec: Machine) -> None:
    there = begin(spec)
    there.store.write(there.of("model_last"), b"\x00garbage")
    assert planned(spec).reason == "resume at step 500 of 900; model_last cannot be read"
    assert commit.latest(there, [].append).step == 500  # type: ignore[union-attr]


def test_a_pointer_that_is_stale_is_said(spec: Machine) -> None:
    there = begin(spec)
    artefact.remove(there.store, there.of("model_500"))
    assert planned(spec).reason == "resume at step 480 of 900; model_last names model_500, which does not exist"
    point(there.store, there.of("model_last"), "model_480")
    assert planned(spec).reason == "resume at step 480 of 900"


def test_a_checkpoint_without_a_manifest_is_passed_over_as_by_the_trainer(spec: Machine) -> None:
    there = begin(spec)
    there.store.delete(there.of("model_500/MANIFEST.json"))
    assert planned(spec).reason == (
        "resume at step 480 of 900; model_500 is skipped, it is not whole; model_last names model_500"
    )
    assert commit.latest(there, [].append).step == 480  # type: ignore[union-attr]


@pytest.mark.parametrize("pointer", [True, False], ids=["pointer left", "nothing but the record of starts left"])
def test_lost_checkpoints_are_refused_by_plan_and_trainer_in_the_same_words(spec: Machine, pointer: bool) -> None:
    there = begin(spec)
    commit.attempt(there, limit=9)
    for name in ("model_480", "model_500"):
        artefact.remove(there.store, there.of(name))
    if not pointer:
        there.store.delete(there.of("model_last"))
    with pytest.raises(Refused) as refused:
        commit.latest(there, [].append)
    step = planned(spec)
    assert (step.state, step.reason) == ("refused", str(refused.value))
    assert "restarts.json, which names model_500" in step.reason
    shown = spec.kfp("plan", "demo.yaml", check=4).stdout
    assert "set start_fresh: true" in " ".join(shown.split()), "the remedy is not cut off"
    fresh = planned(spec, "pretrain.start_fresh=true")
    assert fresh.state == "run" and fresh.reason.startswith("start_fresh: starts again at step 0")
    assert commit.latest(there, [].append, fresh=True) is None


def test_too_many_starts_are_refused_by_plan_and_trainer_in_the_same_words(spec: Machine) -> None:
    there = begin(spec)
    for _ in range(2):
        commit.attempt(there, limit=2)
    with pytest.raises(Refused) as refused:
        commit.attempt(there, limit=2)
    step = planned(spec)
    assert (step.state, step.reason) == ("refused", str(refused.value))
    assert planned(spec, "pretrain.max_restarts=3").state == "resume"
    spec.kfp("run", "demo.yaml", "--set", "segment.require.documents=>=1", check=4)


class Counting(PosixStore):
    """A store that notes what is asked of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: list[str] = []

    def get(self, key: str) -> bytes | None:
        self.asked.append(f"get {key}")
        return super().get(key)

    def children(self, prefix: str = "") -> list[str]:
        self.asked.append(f"children {prefix}")
        return super().children(prefix)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        self.asked.append(f"list {prefix}")
        return super().list(prefix)


def test_a_plan_asks_little_of_a_store(spec: Machine) -> None:
    nodes = prepared(spec).nodes
    address, store = nodes[-1].address, Counting(spec.folder / "store")
    plan.make(nodes, store)
    asked = [what for what in store.asked if "pretrain" in what]
    assert asked == [f"get {address}/MANIFEST.json", "children pretrain", f"children {address}"]

    begin(spec)
    store.asked.clear()
    plan.make(nodes, store)
    assert [what for what in store.asked if "pretrain" in what] == [
        f"get {address}/MANIFEST.json",
        "children pretrain",
        f"children {address}",
        f"get {address}/restarts.json",
        f"get {address}/model_500/MANIFEST.json",
    ]


SMALL = TEXT + (
    "  - pretrain: {arch: 1L32H2, max_seq_len: 32, micro_batch_size: 8, max_steps: 400, checkpoint_steps: 20,"
    ' max_lr: 0.001, logging_freq: 50, split: "1", eval_iters: 0, cpu: 1}\n'
)


def stop_half_done(machine: Machine) -> tuple[Path, int]:
    """Train until there are two checkpoints, stop as Ctrl-C does; the folder, and the step that it goes on after."""
    runner = machine.start("run", "demo.yaml")
    pretrain = machine.folder / "store" / "pretrain"
    wait_for(lambda: len(list(pretrain.glob("*/model_[0-9]*/MANIFEST.json"))) > 1 or runner.poll() is not None)
    os.kill(runner.pid, signal.SIGINT)
    _, err = runner.communicate(timeout=60)
    assert runner.returncode == 130, err
    (last,) = pretrain.glob("*/model_last")
    return last.parent, int(last.readlink().name.removeprefix("model_"))


def test_a_real_training_that_was_stopped_is_found_whatever_happens_to_its_pointer(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(SMALL)
    folder, step = stop_half_done(machine)
    address = f"pretrain/{folder.name}"
    noted = json.loads((folder / "begun.json").read_text())
    assert noted["settings"]["max_lr"] == 0.001 and noted["step"] == "pretrain" and noted["inputs"]["ids"]

    edit = ("--set", "pretrain.max_lr=0.002")
    shown = " ".join(machine.kfp("plan", "demo.yaml", *edit).stdout.split())
    assert "max_lr: 0.001 -> 0.002; a training with max_lr 0.001 is half done: model_" in shown
    assert f"model_{step} of 400 in {address} are kept and not used; set it back to continue from them" in shown
    why = machine.kfp("why", "demo.yaml", "pretrain", *edit).stdout
    assert f"model_{step} of 400 in {address}, start" in why and f"delete {folder}" in why

    (folder / "model_last").unlink()
    assert planned(machine).reason == f"resume at step {step} of 400; model_last is missing"
    (folder / "model_last").write_text("garbage")
    assert planned(machine).reason == f"resume at step {step} of 400; model_last cannot be read"
    done = machine.kfp("run", "demo.yaml")
    assert "model_last cannot be read" in done.stderr
    assert f"resuming after step {step} of 400" in machine.kfp("logs", "demo.yaml", "pretrain").stdout
    assert machine.plan()["pretrain"] == "done"
    assert "max_lr: 0.001 -> 0.002" in machine.kfp("plan", "demo.yaml", *edit).stdout
    assert "half done" not in machine.kfp("plan", "demo.yaml", *edit).stdout, "it is whole now"


def test_two_processes_go_on_without_a_pointer(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(SMALL.replace("cpu: 1", "cpu: 1, nodes: 2, memory: 1GiB, global_batch_size: 16"))
    folder, step = stop_half_done(machine)
    (folder / "model_last").unlink()
    (folder / "model_last").symlink_to("../elsewhere")
    assert planned(machine).reason == f"resume at step {step} of 400; model_last cannot be read"
    machine.kfp("run", "demo.yaml")
    assert f"resuming after step {step} of 400" in machine.kfp("logs", "demo.yaml", "pretrain").stdout
