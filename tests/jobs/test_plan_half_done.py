"""What a change of a setting leaves half done, as `kfp plan` and `kfp why` name it."""

import json
import os
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from beginning import PRETRAIN, TEXT, begin, finish, place, planned, prepared
from machines import Machine
from train.committing import save

from ernie_core.store import gathering
from ernie_core.train.checkpoint import commit
from ernie_core.train.checkpoint.commit import CheckpointLocation
from jobs import report
from jobs.plan.history import Change


def commit_old(there: CheckpointLocation, step: int, state: Mapping[str, Any]) -> None:
    """A checkpoint with a state.json, as a training writes it."""
    part = gathering.begin(there.store, there.of(f"model_{step}"), uuid.uuid4().hex[:8], 0, there.scratch)
    with gathering.create(part, "state.json") as draft:
        draft.write(json.dumps(state).encode())
    gathering.report(part, [draft.file])
    commit.commit(part, there, step, [draft.file])


@pytest.fixture
def spec(machine: Machine) -> Machine:
    machine.spec(TEXT + PRETRAIN)
    return machine


def test_a_changed_setting_names_the_training_that_is_half_done(spec: Machine) -> None:
    address = begin(spec).address
    step = planned(spec, "pretrain.max_lr=0.002")
    assert step.state == "run"
    assert step.why == (
        "max_lr: 0.001 -> 0.002; a training with max_lr 0.001 is half done: model_480, model_500 of 900 in"
        f" {address} are kept and not used; set it back to continue from them"
    )
    assert planned(spec).state == "resume", "set back, it goes on"


def test_why_says_in_full_what_is_half_done_and_how_to_be_rid_of_it(spec: Machine) -> None:
    there = begin(spec, steps=(100,))
    edits = ("--set", "pretrain.max_lr=0.002", "--set", "pretrain.seed=7")
    lines = spec.kfp("why", "demo.yaml", "pretrain", *edits).stdout.splitlines()
    assert lines[0] == "pretrain runs: max_lr: 0.001 -> 0.002; seed: 1234 -> 7"
    half = [line.split(maxsplit=1) for line in lines if not line.startswith("  because")][1:]
    assert [line.strip() for line in lines[-5:-2]] == [
        "differs        max_lr: 0.001 -> 0.002",
        "differs        seed: 1234 -> 7",
        "what happens   it is kept and not used; set them back to continue from it",
    ]
    assert any(f"model_100 of 900 in {there.address}, started 2" in row[1] for row in half)
    assert any("by demo/20260131-120000-abcd" in row[1] for row in half)
    assert f"if no run uses it, delete {spec.folder / 'store' / there.address}" in lines[-2]
    assert f"kfp ls {there.address} --store {there.store.url}" in lines[-1]
    assert "model_100" in spec.kfp("ls", there.address, "--store", there.store.url).stdout

    (row,) = json.loads(spec.kfp("why", "demo.yaml", "pretrain", *edits, "--json").stdout)
    (said,) = row["half_done"]
    assert said["address"] == there.address and said["checkpoints"] == ["model_100"] and said["of"] == 900
    assert [(d["kind"], d["name"], d["then"], d["now"]) for d in said["differs"]] == [
        ("setting", "max_lr", 0.001, 0.002),
        ("setting", "seed", 1234, 7),
    ]


def test_an_input_that_a_step_no_longer_reads_is_said_to_be_gone() -> None:
    assert str(Change("input", "report", [("5f3a", 1.0)], [], "")) == "input report: no longer there"
    assert str(Change("input", "report", [("5f3a", 1.0)], [("77ab", 1.0)], "scores")) == "input report: scores changes"


def test_a_training_whose_inputs_changed_is_half_done_too(spec: Machine) -> None:
    begin(spec)
    step = planned(spec, "vocab.size=500")
    assert step.reason == "input ids: ids changes; input vocab: vocab changes"
    assert step.leaves.startswith("a training with other ids, other vocab is half done")
    assert step.leaves.endswith("with the inputs of that training a run continues from them")
    assert spec.kfp("plan", "demo.yaml", "--set", "vocab.size=500").stdout.count("half done") == 1


def test_a_half_done_training_is_named_beside_a_finished_one_if_it_is_closer_or_newer(spec: Machine) -> None:
    finish(spec, "pretrain.max_lr=0.004", "pretrain.seed=7", ended="2026-01-31T12:00:00Z")
    begin(spec, started=1.0)
    closer = planned(spec, "pretrain.max_lr=0.002")
    assert closer.reason == "max_lr: 0.001 -> 0.002" and "model_500 of 900" in closer.leaves
    assert closer.expected_seconds == 9.0

    farther = planned(spec, "pretrain.max_lr=0.003", "pretrain.seed=7")
    assert farther.reason == "max_lr: 0.004 -> 0.003" and farther.leaves == "", "neither closer nor newer"
    assert [half.steps for half in farther.half_done] == [(480, 500)], "who asks why is told all the same"

    begin(spec, steps=())
    newer = planned(spec, "pretrain.max_lr=0.003", "pretrain.seed=7")
    assert newer.reason == "max_lr: 0.004 -> 0.003"
    assert newer.leaves.startswith("a training with max_lr 0.001, seed 1234 is half done")


def test_the_newest_of_several_half_done_trainings_is_named_and_their_number_is_bounded(spec: Machine) -> None:
    for i in range(5):
        begin(spec, f"pretrain.max_lr=0.00{i + 1}", steps=(i + 1, i + 2, i + 3), started=1000.0 * i)
    step = planned(spec, "pretrain.max_lr=0.009")
    assert "a training with max_lr 0.005 is half done: model_6, model_7 of 900" in step.leaves
    assert step.leaves.endswith("; 2 more half done")


def test_checkpoints_that_stay_for_good_are_counted(spec: Machine) -> None:
    there = begin(spec, steps=())
    for step in (100, 200, 300, 400):
        save(there, step, permanent=True)
    assert "model_200, model_300, model_400 and 1 older of 900" in planned(spec, "pretrain.max_lr=0.002").leaves


def test_a_training_of_an_earlier_version_is_known_by_its_checkpoint(spec: Machine) -> None:
    there = place(spec)
    settings = {**planned(spec).node.step.settings(), "global_batch_size": 8}
    note = {"max_steps": settings.pop("max_steps"), "paddle": "2.6.2"}
    commit_old(there, 500, {"step": 500, "must": {**settings, "vocabulary": "x", "data": "y"}, "note": note})
    step = planned(spec, "pretrain.max_lr=0.002")
    assert step.why == (
        "max_lr: 0.001 -> 0.002; a training with max_lr 0.001 is half done: model_500 of 900 in"
        f" {there.address} is kept and not used; set it back to continue from it"
    )
    other = planned(spec, "vocab.size=500")
    assert other.reason == "never made in this store"
    assert "another training is half done: model_500 of 900" in other.leaves
    assert "the difference is not recorded there" in other.leaves


@pytest.mark.parametrize("harm", ["{", "[]", '{"settings": 3}'])
def test_a_training_of_which_nothing_can_be_read_is_named_all_the_same(spec: Machine, harm: str) -> None:
    there = begin(spec)
    there.store.write(there.of("begun.json"), harm.encode())
    begin(spec, "pretrain.max_lr=0.004", "pretrain.seed=7")
    first, second = planned(spec, "pretrain.max_lr=0.002").half_done
    assert [change.name for change in first.changes] == ["max_lr", "seed"]
    assert str(second).startswith("another training is half done: model_480, model_500 in pretrain/")
    assert planned(spec).state == "resume"


def test_what_another_step_of_the_plan_goes_on_with_is_not_left_behind(machine: Machine) -> None:
    second = PRETRAIN.replace("{", "{as: second, from: ids, ").replace("0.001", "0.002")
    machine.spec(TEXT + PRETRAIN.replace("{", "{from: ids, ") + second)
    begin(machine)
    assert planned(machine).state == "resume"
    assert planned(machine, name="second").why == "never made in this store"


def test_a_drill_that_was_killed_is_no_training(spec: Machine) -> None:
    there = begin(spec)
    os.rename(spec.folder / "store" / there.address, spec.folder / "store/pretrain/drill-20260131-120000-abcd-0")
    assert planned(spec, "pretrain.max_lr=0.002").why == "never made in this store"


def test_a_long_reason_is_folded_not_cut(spec: Machine) -> None:
    begin(spec)
    found = prepared(spec, "pretrain.max_lr=0.002")
    shown = report.plan_text("demo", found.plan, "this machine")
    assert "set it back to continue from them" in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) < 120
