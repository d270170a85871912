"""The loss of a step is that of all its rows at once, into however many micro batches they are divided."""

from pathlib import Path

import pytest
import tiny_tags
import tiny_task

from ernie_core.tasks.finetune import FineTuning
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.train.parallel.team import ALONE

SETTINGS = {**tiny_tags.QUICK, "batch_size": 16}


@pytest.mark.parametrize("task", ["sequence_classification", "token_classification", "joint_intent_slots"])
def test_micro_batches_give_the_loss_of_the_whole_batch(task: str, tmp_path: Path) -> None:
    model = tiny_task.model(tmp_path / "model")
    plain = task == "sequence_classification"
    # the last batch of an epoch has 5 rows: fewer than a micro batch, then none, and so on
    make = tiny_task.task_data if plain else tiny_tags.data
    data = make(tmp_path / "data", *(() if plain else (task,)), train=21)

    def loss(step: int, **more: int) -> float:
        objective = FineTuning.of(model, data, FinetuneRecipe(**{**SETTINGS, **more}), ALONE)
        count = objective.micro_batches
        losses = [objective.losses(objective.batch(step, micro)) for micro in range(count)]
        assert all(float(one.total) == pytest.approx(one.values[0]) for one in losses)
        return sum(one.weight * one.values[0] for one in losses) / count

    for step in (1, 2):
        whole = loss(step)
        assert whole == pytest.approx(loss(step, micro_batch_size=4), rel=1e-5)
        assert whole == pytest.approx(loss(step, micro_batch_size=2), rel=1e-5)
