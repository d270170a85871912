"""The choices of a fine-tuning against slow, obvious references: schedule, evaluations, freezing, R-Drop, FGM."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
import tiny_task

from ernie_core.errors import BadInput
from ernie_core.model import weights
from ernie_core.model.arrays import read_arrays
from ernie_core.tasks.finetune import FineTuning, finetune
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.train.optim.optimiser import layer_factors
from ernie_core.train.parallel.team import ALONE

STILL = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("choices")
    tiny_task.model(home / "model")
    tiny_task.task_data(home / "data")
    return home


def objective(home: Path, **changes: Any) -> FineTuning:
    return FineTuning.of(home / "model", home / "data", replace(tiny_task.QUICK, **changes), ALONE)


def run(home: Path, out: Path, **changes: Any) -> Mapping[str, Any]:
    """What metrics.json says of a training."""
    out.mkdir()
    finetune(home / "model", home / "data", out, replace(tiny_task.QUICK, **changes))
    said: Mapping[str, Any] = json.loads((out / "metrics.json").read_text())
    return said


def gradients(net: paddle.nn.Layer) -> dict[str, np.ndarray]:
    found = {name: p.grad.numpy() for name, p in net.named_parameters() if p.grad is not None}
    net.clear_gradients()
    return found


def test_the_rate_follows_the_chosen_course(home: Path) -> None:
    rates = {
        shape: objective(home, lr_scheduler_type=shape, warmup_steps=10, learning_rate=1.0).course.schedule
        for shape in ("linear", "cosine", "constant")
    }
    for rate in rates.values():
        assert [rate(step) for step in (1, 5, 10)] == [0.1, 0.5, 1.0]
    assert [rates["linear"](step) for step in (25, 40)] == [0.5, 0.0]
    assert rates["cosine"](20) == pytest.approx(0.75) and rates["cosine"](25) == pytest.approx(0.5)
    assert rates["cosine"](40) == pytest.approx(0.0)
    assert rates["constant"](40) == 1.0


def test_a_warm_up_is_said_once_and_ends(home: Path) -> None:
    with pytest.raises(BadInput, match="warmup_steps 40 leave none of the 40 steps of the training"):
        objective(home, warmup_steps=40)
    with pytest.raises(BadInput, match="warmup_steps 5 leave none of the 4 steps"):
        FinetuneRecipe(max_steps=4, warmup_steps=5)
    recipe = replace(tiny_task.QUICK, warmup_steps=3)
    with pytest.raises(BadInput, match=r"warmup_steps 3 and warmup_ratio 0\.1 both say how long"):
        FineTuning.of(home / "model", home / "data", recipe, ALONE, given=("warmup_steps", "warmup_ratio"))


def test_evaluations_come_after_epochs_where_that_is_asked_for(home: Path, tmp_path: Path) -> None:
    said = run(home, tmp_path / "a", evaluation_strategy="epoch", num_train_epochs=2.5, eval_steps=3)
    assert [row["step"] for row in said["curve"]] == [20, 40, 50]


def test_any_score_may_choose_the_best_weights(home: Path, tmp_path: Path) -> None:
    spoiled = {"eval_steps": 2, "num_train_epochs": 3.0, "learning_rate": 0.03}
    by_loss = run(home, tmp_path / "a", metric_for_best_model="loss", **spoiled)
    by_f1 = run(home, tmp_path / "b", metric_for_best_model="eval_macro_f1", **spoiled)
    assert by_loss["best_step"] == min(by_loss["curve"], key=lambda row: row["loss"])["step"]
    assert by_f1["best_step"] == max(by_f1["curve"], key=lambda row: (row["macro_f1"], -row["loss"]))["step"]
    assert by_loss["recipe"]["metric_for_best_model"] == "loss"
    assert by_f1["recipe"]["metric_for_best_model"] == "macro_f1"
    with pytest.raises(
        BadInput, match="`rouge` is no score of sequence_classification, choose from: accuracy, macro_f"
    ):
        FinetuneRecipe(task="sequence_classification", metric_for_best_model="rouge")
    with pytest.raises(BadInput, match="`rouge` is no score of any task"):
        FinetuneRecipe(metric_for_best_model="rouge")


def test_patience_counts_the_chosen_score(home: Path, tmp_path: Path) -> None:
    patient = {"learning_rate": 0.03, "num_train_epochs": 40.0, "eval_steps": 2, "early_stopping_patience": 3}
    said = run(home, tmp_path / "a", metric_for_best_model="loss", **patient)
    assert said["curve"][-1]["step"] == said["best_step"] + 6
    assert said["best_step"] == min(said["curve"], key=lambda row: row["loss"])["step"]


@pytest.mark.parametrize("recompute", [False, True])
def test_what_is_frozen_keeps_every_bit_and_the_rest_learns(home: Path, tmp_path: Path, recompute: bool) -> None:
    run(home, tmp_path / "a", freeze_embeddings=True, freeze_layers=1, weight_decay=0.1, use_recompute=recompute)
    before, after = (read_arrays(folder / weights.FILE) for folder in (home / "model", tmp_path / "a"))
    for name in after.keys() & before.keys():
        frozen = "embeddings" in name or "layers.0." in name
        assert np.array_equal(before[name], after[name]) == frozen or name.endswith("k_proj.bias"), name


def test_more_frozen_layers_than_there_are_is_refused(home: Path) -> None:
    with pytest.raises(BadInput, match="freeze_layers 3 is more than the 2 layers of the model"):
        objective(home, freeze_layers=3)


def test_rates_by_layer_are_the_published_ones() -> None:
    factor = layer_factors(12, 0.8)
    assert factor is not None
    names = ("embeddings.word_embeddings.weight", "encoder.layers.0.linear1.weight", "encoder.layers.11.norm2.bias")
    assert [round(factor(f"ernie.{name}"), 3) for name in names] == [0.055, 0.069, 0.8]
    assert factor("ernie.pooler.dense.weight") == factor("classifier.weight") == 1.0


def test_rdrop_is_the_loss_of_two_passes_and_their_divergence(home: Path) -> None:
    tuning = objective(home, rdrop_alpha=0.7, hidden_dropout_prob=0.3)
    tuning.net.train()
    batch = tuning.batch(1, 0)
    paddle.seed(5)
    found = float(tuning.losses(batch).total)
    paddle.seed(5)
    inputs = {name: paddle.to_tensor(array) for name, array in batch.inputs.items()}
    one, two = (tuning.net(**inputs).numpy().astype(np.float64) for _ in range(2))
    loss, apart = 0.0, 0.0
    for p, q, label in zip(map(softmax, one), map(softmax, two), batch.targets, strict=True):
        loss += -np.log(p[label]) - np.log(q[label])
        apart += sum(a * np.log(a / b) + b * np.log(b / a) for a, b in zip(p, q, strict=True))
    rows = len(batch.targets)
    assert apart > 1e-4
    assert found == pytest.approx(loss / 2 / rows + 0.7 * apart / 2 / rows, rel=1e-5)
    assert objective(home, rdrop_alpha=0.7, hidden_dropout_prob=0.3).losses(batch).tokens == 2 * 16 * 14


def softmax(row: np.ndarray) -> np.ndarray:
    powers = np.exp(row - row.max())
    return powers / powers.sum()


def test_fgm_adds_the_gradients_at_the_moved_embeddings(home: Path) -> None:
    tuning = objective(home, fgm_epsilon=0.5, **STILL)
    tuning.net.train()
    batch = tuning.batch(1, 0)
    assert (batch.inputs["input_ids"] == 0).any()  # padding has no embedding to move
    first = tuning.losses(batch)
    (first.total * 3.0).backward()
    second = tuning.again(batch)
    assert second is not None and float(second.total) > float(first.total)
    (second.total * 3.0).backward()
    found, words = gradients(tuning.net), tuning.net.ernie.embeddings.word_embeddings.weight

    plain = objective(home, **STILL)
    plain.net.train()
    table = plain.net.ernie.embeddings.word_embeddings.weight
    assert np.array_equal(words.numpy(), table.numpy())
    (plain.losses(batch).total * 3.0).backward()
    one = gradients(plain.net)
    g = one["ernie.embeddings.word_embeddings.weight"]
    table.set_value(table.numpy() + 0.5 * g / np.sqrt((g.astype(np.float64) ** 2).sum()).astype(np.float32))
    (plain.losses(batch).total * 3.0).backward()
    two = gradients(plain.net)
    for name, gradient in found.items():
        assert np.allclose(gradient, one[name] + two[name], rtol=1e-4, atol=1e-5), name


def test_a_perturbation_leaves_no_trace(home: Path) -> None:
    tuning = objective(home, fgm_epsilon=0.5, **STILL)
    before = tuning.net.ernie.embeddings.word_embeddings.weight.numpy()
    features = tuning.splits["dev"].features
    outputs = tuning.outputs(features)
    batch = tuning.batch(1, 0)
    tuning.losses(batch).total.backward()
    tuning.again(batch)
    assert np.array_equal(before, tuning.net.ernie.embeddings.word_embeddings.weight.numpy())
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(outputs, tuning.outputs(features), strict=True))


def test_rdrop_without_dropout_is_refused() -> None:
    with pytest.raises(BadInput, match="rdrop_alpha 1 compares two passes with other dropout, and all dropout is 0"):
        FinetuneRecipe(rdrop_alpha=1.0, **STILL)


@pytest.mark.parametrize("choice", [{"rdrop_alpha": 1.0}, {"fgm_epsilon": 0.5}, {"freeze_layers": 1}])
def test_it_still_learns(home: Path, tmp_path: Path, choice: Mapping[str, Any]) -> None:
    assert run(home, tmp_path / "a", **choice, num_train_epochs=4.0)["accuracy"] > 0.9
