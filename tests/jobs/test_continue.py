"""A training that is only made longer continues the one that is there; any other change trains anew."""

import json
from typing import Any

import pytest
import trainings
from beginning import begin
from machines import Machine, wait_for

LEVEL = {"warmup_rate": 0.0, "decay_steps": 30}
"""A learning rate that does not depend on how long the training is."""


def planned(machine: Machine, *edits: str) -> dict[str, Any]:
    said = json.loads(machine.kfp("plan", "demo.yaml", "--json", *(w for e in edits for w in ("--set", e))).stdout)
    found: dict[str, Any] = next(row for row in said["steps"] if row["step"] == "pretrain")
    return found


def run(machine: Machine, *edits: str) -> None:
    machine.kfp("run", "demo.yaml", *(word for edit in edits for word in ("--set", edit)))


@pytest.fixture
def trained(machine: Machine) -> Machine:
    """A training of 20 steps that is done."""
    machine.corpus(300)
    machine.spec(trainings.steps(20, 10, **LEVEL))
    run(machine)
    return machine


def test_more_steps_continue_it_and_end_as_if_it_had_been_so_long_from_the_beginning(trained: Machine) -> None:
    first = planned(trained)["address"]
    longer = planned(trained, "pretrain.max_steps=30")
    assert (longer["state"], longer["checkpoint"]) == ("resume", 20)
    assert longer["reason"] == f"resume at step 20 of 30, from {first}"
    run(trained, "pretrain.max_steps=30")
    store = trained.folder / "store"
    assert "resuming after step 20 of 30" in trainings.log(trained, store)
    manifest = json.loads((store / longer["address"] / "MANIFEST.json").read_text())
    assert manifest["info"]["continues"] == first
    assert planned(trained)["state"] == "done", "the shorter one stays"

    trained.spec(trainings.steps(30, 10, **LEVEL), store="through")
    run(trained)
    (weights,) = (trained.folder / "through" / "pretrain").glob("*/data-*/model_state.pdparams")
    (again,) = (store / longer["address"]).glob("data-*/model_state.pdparams")
    assert again.read_bytes() == weights.read_bytes()


@pytest.mark.parametrize("edit", ["max_steps=10", "max_lr=0.0002", "seed=5", "start_fresh=true"])
def test_anything_else_is_a_new_training(trained: Machine, edit: str) -> None:
    edits = [f"pretrain.{edit}", *(["pretrain.max_steps=30"] if "max_steps" not in edit else [])]
    assert planned(trained, *edits)["state"] == "run"


@pytest.mark.parametrize(
    ("before", "now", "state"),
    [
        ("num_train_epochs: 3", "num_train_epochs: 4", "resume"),
        ("max_steps: 700", "max_steps: 800", "resume"),
        ("seed: 42", "num_train_epochs: 4", "run"),  # the data may have said 8 epochs
        ("max_steps: 700", "max_steps: 800, batch_size: 32", "run"),  # or batches of 64
    ],
)
def test_what_was_left_to_the_data_is_not_taken_for_its_usual_default(
    machine: Machine, before: str, now: str, state: str
) -> None:
    for name in ("model/config.json", "data/train.jsonl"):
        (machine.folder / name).parent.mkdir()
        (machine.folder / name).write_text("{}")
    inputs = "inputs:\n  mine: {model: model/*}\n  ours: {task_data: data/*}\n"

    def spec(settings: str) -> None:
        steps = f"steps:\n  - finetune: {{as: pretrain, {settings}}}\n"
        (machine.folder / "demo.yaml").write_text(f"version: 1\nname: demo\nstore: ./store\n{inputs}{steps}")

    spec(before)
    begin(machine, steps=(600,))
    spec(now)
    assert planned(machine)["state"] == state


def test_an_order_that_depends_on_the_length_is_not_continued(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(trainings.steps(20, 10, index_order="paddlenlp"))
    run(machine)
    assert planned(machine, "pretrain.max_steps=30")["state"] == "run"


def test_what_other_steps_of_the_same_job_have_made_decides_nothing(machine: Machine) -> None:
    machine.corpus(300)
    longer = trainings.steps(30, 10, **LEVEL, **{"as": "longer", "from": []}).removeprefix(trainings.TEXT)
    machine.spec(trainings.steps(20, 10, **LEVEL) + longer)
    machine.kfp("run", "demo.yaml")
    assert "resuming after step 20" not in trainings.log(machine, machine.folder / "store")


def test_a_manifest_says_what_was_continued_though_the_training_was_killed(trained: Machine) -> None:
    first, edit = planned(trained)["address"], ("--set", "pretrain.max_steps=700")
    runner, store = trained.start("run", "demo.yaml", *edit), trained.folder / "store"
    wait_for(lambda: max(trainings.checkpoints(store), default=0) > 20)
    runner.kill()
    runner.communicate()
    wait_for(lambda: not trainings.processes(trained))
    longer = planned(trained, "pretrain.max_steps=700")
    assert longer["checkpoint"] > 20 and longer["continues"] == ""
    trained.kfp("run", "demo.yaml", *edit)
    assert json.loads((store / longer["address"] / "MANIFEST.json").read_text())["info"]["continues"] == first


def test_a_damaged_training_is_not_continued_in_silence(trained: Machine) -> None:
    for file in (trained.folder / "store" / planned(trained)["address"]).glob("model_[0-9]*/model_state.pdparams"):
        file.write_bytes(b"")
    edit = ("--set", "pretrain.max_steps=30")
    refused = trained.kfp("run", "demo.yaml", *edit, check=None)
    assert refused.returncode != 0 and "set start_fresh: true to begin at step 0" in refused.stdout + refused.stderr
    trained.kfp("run", "demo.yaml", *edit, "--set", "pretrain.start_fresh=true")


def test_what_is_half_done_is_continued_too(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(trainings.steps(5000, 5, **LEVEL))
    runner = machine.start("run", "demo.yaml")
    wait_for(lambda: trainings.checkpoints(machine.folder / "store"))
    runner.terminate()
    runner.communicate()
    longer = planned(machine, "pretrain.max_steps=6000")
    assert longer["state"] == "resume" and longer["checkpoint"] >= 5
