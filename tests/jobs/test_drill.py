"""The drill: a training that is killed in every way ends like one that was left alone."""

import json

import pytest
import trainings
from machines import Machine

TEXT = "  - segment:\n  - vocab: {size: 3000, english_size: 0, han: seen}\n  - ids:\n"


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [1, 2])
def test_every_disturbance_is_survived_to_the_bit(machine: Machine, nodes: int) -> None:
    machine.corpus(300)
    machine.spec(TEXT + f"  - pretrain: {{nodes: {nodes}, global_batch_size: {8 * nodes}, memory: 2GiB}}\n")
    drilled = json.loads(machine.kfp("drill", "demo.yaml", "--json").stdout)
    assert drilled["passed"], drilled
    rows = {row["name"]: row for row in drilled["disturbances"]}
    assert rows["kill a trainer"]["starts"] == 2 and rows["kill a trainer"]["resumed"] > 0
    assert rows["asked to stop (SIGTERM)"]["resumed"] >= rows["asked to stop (SIGTERM)"]["at"] - 1
    assert ("kill the last trainer" in rows) == (nodes == 2)
    assert not list((machine.folder / "store" / "pretrain").glob("*")), "what a drill makes is removed"


def test_a_job_without_training_has_nothing_to_drill(machine: Machine) -> None:
    machine.spec(TEXT)
    assert "there is nothing to drill" in machine.kfp("drill", "demo.yaml", check=3).stderr


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [1, 2])
def test_a_fine_tuning_survives_every_disturbance_to_the_bit(machine: Machine, nodes: int) -> None:
    machine.corpus(300)
    task = machine.folder / "task"
    task.mkdir()
    for split, count in (("train", 60), ("dev", 20), ("test", 20)):
        rows = [{"id": str(n), "text": "天" * (n % 7 + 1), "label": "ab"[n % 2]} for n in range(count)]
        (task / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (task / "labels.txt").write_text("a\nb\n")
    spec = machine.spec(f"{trainings.steps(4, 4)}  - finetune: {{nodes: {nodes}, memory: 2GiB}}\n")
    inputs = "  task: {task_data: task/*}\nsteps:"
    spec.write_text(spec.read_text().replace("steps:", inputs, 1))
    drilled = json.loads(machine.kfp("drill", "demo.yaml", "--step", "finetune", "--json", seconds=900).stdout)
    assert drilled["passed"], drilled
    rows = {row["name"]: row for row in drilled["disturbances"]}
    assert rows["kill a trainer"]["starts"] == 2 and rows["kill a trainer"]["resumed"] > 0
