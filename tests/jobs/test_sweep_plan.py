"""A planned sweep: its points are the work of the same step without it, and what is made is not planned again."""

import itertools
import json
from pathlib import Path

import pytest
from beginning import begin, planned, prepared
from machines import Machine

from components.runtime import points
from components.runtime.points import PointRecord
from ernie_core.errors import Refused
from ernie_core.store import artefact, open_store
from ernie_core.store.lease import Lease
from jobs import points as swept
from jobs import report
from jobs.plan import graph, prepare
from jobs.plan.graph import Node
from jobs.plan.inputs import Content, InputFile
from jobs.spec import document, parser

TEXT = """\
version: 1
name: demo
store: ./store
inputs:
  mine: {text: corpus/*.txt}
steps:
  - segment:
  - vocab: {size: 600, han: seen, english_size: 0}
  - ids:
  - pretrain: {arch: 1L32H2, max_steps: 900, BODY}
"""
CONTENT = {"mine": Content("text", (InputFile("a.txt", "file:///x/a.txt", 3, "sha256:00"),))}
GRID = "sweep: {max_lr: [0.001, 0.002], seed: [1, 2]}, best: min train_loss"
STEPS = TEXT.partition("steps:\n")[2]


def node(body: str, *edits: str) -> Node:
    job = parser.parse(TEXT.replace("BODY", body), "demo.yaml", [document.edit(edit) for edit in edits])
    return graph.build(job, CONTENT)[-1]


def made(machine: Machine, of: Node, seconds: float, **scores: float) -> None:
    """As if a point had been made."""
    store = open_store(machine.folder / "store")
    folder = artefact.staging(store, of.address, machine.folder)
    (folder / "x").write_text("x")
    artefact.publish(store, of.address, folder, kind="model", info={"scores": scores, "seconds": seconds})


@pytest.fixture
def spec(machine: Machine) -> Machine:
    machine.spec(STEPS.replace("BODY", GRID))
    return machine


def test_a_point_is_the_same_work_as_its_step_without_the_sweep() -> None:
    swept = node(GRID)
    alone = [node(f"max_lr: {rate}, seed: {seed}") for rate, seed in itertools.product((0.001, 0.002), (1, 2))]
    assert [point.address for point in swept.points] == [each.address for each in alone]
    assert [point.step for point in swept.points] == [each.step for each in alone]


def test_a_sweep_is_its_points_in_their_order_and_its_rule() -> None:
    of_list = "sweep: [{max_lr: 0.001, seed: 1}, {max_lr: 0.001, seed: 2}, {max_lr: 0.002, seed: 1}, " \
        "{max_lr: 0.002, seed: 2}], best: min train_loss"  # fmt: skip
    sweeps = [
        node(GRID),
        node(GRID.replace("min", "max")),
        node(GRID, "pretrain.sweep.seed=[2, 1]"),  # which decides between equal scores
        node(GRID, "pretrain.sweep.seed=[1]"),
        node(f"{GRID}, halving: [100]"),
    ]
    assert len({each.fingerprint for each in sweeps}) == len(sweeps)
    assert node(of_list).address == sweeps[0].address
    assert node(f"{GRID}, shards: 3").address == sweeps[0].address
    assert sweeps[0].address.startswith("pretrain-sweep/")


def test_a_plan_counts_points_and_says_how_long_the_others_may_take(spec: Machine) -> None:
    step = planned(spec)
    assert (step.state, step.reason) == ("run", "4 points, 0 done")
    made(spec, step.node.points[0], 3000, train_loss=2.0)
    made(spec, step.node.points[3], 5000, train_loss=1.0)
    step = planned(spec)
    assert (step.state, step.reason) == ("resume", "4 points, 2 done; about 2h13m expected")
    assert planned(spec, "pretrain.shards=2").reason == "4 points, 2 done; about 1h06m expected"
    assert "(took" not in report.plan_text("demo", prepared(spec).plan, "this machine")


def test_what_was_made_alone_is_a_point_and_the_reverse(spec: Machine) -> None:
    alone = planned(spec, "pretrain.sweep={seed: [1]}").node
    made(spec, alone.points[0], 10, train_loss=2.0)
    assert "2 points, 1 done" in planned(spec, "pretrain.sweep={seed: [1, 2]}").reason
    machine_alone = TEXT.replace("BODY", "seed: 1").partition("steps:\n")[2]
    spec.spec(machine_alone)
    assert planned(spec).state == "done"


def test_a_point_with_a_checkpoint_resumes_and_one_that_failed_is_retried(spec: Machine) -> None:
    spec.spec(STEPS.replace("BODY", "max_lr: 0.002, seed: 1"))
    begin(spec, steps=(500,))
    spec.spec(STEPS.replace("BODY", GRID))
    step = planned(spec)
    points.write(open_store(spec.folder / "store"), step.node.address, 3, PointRecord("failed", "out of memory", 1))
    step = planned(spec)
    assert (step.state, step.reason) == ("resume", "4 points, 0 done; 1 resumes; 1 failed before, retried")
    assert [row["state"] for row in step.points] == ["run", "run", "resume", "failed"]
    assert step.points[2]["checkpoint"] == 500 and step.points[3]["why"] == "out of memory"
    rows = json.loads(spec.kfp("plan", "demo.yaml", "--json").stdout)["steps"][-1]["points"]
    assert rows[2]["varied"] == {"max_lr": 0.002, "seed": 1}


def test_points_that_only_train_longer_do_not_continue_each_other_but_an_earlier_training(machine: Machine) -> None:
    machine.spec(STEPS.replace("max_steps: 900, BODY", "max_steps: 600"))
    begin(machine, steps=(500,))
    machine.spec(STEPS.replace("max_steps: 900, BODY", "sweep: {max_steps: [700, 900]}, best: min train_loss"))
    step = planned(machine)
    earlier = {point.continues for point in step.node.points}
    assert len(earlier) == 1 and earlier.isdisjoint({point.address for point in step.node.points})
    assert step.reason == "2 points, 0 done; 2 resume"


def test_redo_removes_every_point_unless_one_is_being_trained(spec: Machine) -> None:
    step = planned(spec)
    for point in step.node.points[:2]:
        made(spec, point, 10, train_loss=1.0)
    again = prepare.redo(prepared(spec), ["pretrain"])
    assert "4 points, 0 done" in again.plan.steps[-1].reason
    lease = Lease(open_store(spec.folder / "store"), step.node.points[2].address)
    lease.acquire()
    try:
        with pytest.raises(Refused, match="is being trained by process"):
            prepare.redo(prepared(spec), ["pretrain"])
    finally:
        lease.release()


def test_a_drill_of_a_sweep_is_one_of_its_first_point(tmp_path: Path, spec: Machine) -> None:
    from jobs import drill

    small = drill.small(prepared(spec))
    assert not small.points and small.address.startswith("pretrain/")


def test_of_many_points_the_state_of_a_run_shows_those_that_say_most() -> None:
    rows = [{"varied": {"seed": n}, "address": f"pretrain/{n}", "state": "done", "scores": {"train_loss": float(n)}}
            for n in range(100)]  # fmt: skip
    rows[70] |= {"state": "failed", "scores": {}, "why": "out of memory"}
    found = {"rule": "max train_loss", "best": 99, "points": rows}
    lines = swept.text(found, "pretrain-sweep/x", 3).splitlines()
    assert [line.split()[1] for line in lines[3:6]] == ["70", "98", "99"]
    assert lines[-1] == "  and 97 more: kfp show pretrain-sweep/x"
    assert len(swept.text(found, "pretrain-sweep/x").splitlines()) == 103
