"""Fine-tuning of ERNIE-M: every task learns from token ids alone, resumes to the bit, and lower layers move less."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tiny_tags
import tiny_task
from tasks import finetuner, test_multiple_choice, test_question_answering
from tasks.test_resume import after, digests

from ernie_core import errors
from ernie_core.errors import BadInput
from ernie_core.model import config, weights
from ernie_core.model.arrays import read_arrays
from ernie_core.tasks.finetune import FineTuning, finetune
from ernie_core.train.optim import optimiser
from ernie_core.train.parallel.team import ALONE

ARCHITECTURES = {
    "sequence_classification": "ErnieMForSequenceClassification",
    "token_classification": "ErnieMForTokenClassification",
    "joint_intent_slots": "JointErnieM",
    "question_answering": "ErnieMForQuestionAnswering",
    "multiple_choice": "ErnieMForMultipleChoice",
}
EXAMPLES: dict[str, tuple[Callable[..., Path], dict[str, object]]] = {
    "sequence_classification": (tiny_task.task_data, {"num_train_epochs": 1.0, "layer_decay": 0.8}),
    "token_classification": (partial(tiny_tags.data, task="token_classification"), {"fgm_epsilon": 0.5}),
    "joint_intent_slots": (partial(tiny_tags.data, task="joint_intent_slots"), {"rdrop_alpha": 0.5}),
    "question_answering": (
        test_question_answering.examples, {"max_query_length": 3, "doc_stride": 6, "num_train_epochs": 1.0}
    ),
    "multiple_choice": (test_multiple_choice.examples, {"max_seq_len": 24, "num_train_epochs": 1.0}),
}  # fmt: skip


@pytest.mark.parametrize("task", EXAMPLES)
def test_every_task_is_learned_and_a_stop_changes_no_bit(tmp_path: Path, task: str) -> None:
    examples, settings = EXAMPLES[task]
    tiny_task.model(tmp_path / "pretrained", model_type="ernie_m")
    examples(tmp_path / "data", train=85)
    finetuner.train(tmp_path / "through", **settings)
    with pytest.raises(errors.Stopped, match="stopped after step 4, committed"):
        finetuner.train(tmp_path / "stopped", stop=after(4), **settings)
    finetuner.train(tmp_path / "stopped", **settings)
    assert digests(tmp_path / "stopped") == digests(tmp_path / "through")
    said = json.loads((tmp_path / "through/model/config.json").read_text(encoding="utf-8"))
    assert (said["architectures"], said["model_type"]) == ([ARCHITECTURES[task]], "ernie_m")


def test_a_label_is_learned_of_texts_and_of_pairs(tmp_path: Path) -> None:
    model = tiny_task.model(tmp_path / "model", model_type="ernie_m")
    for pair in (False, True):
        out = tmp_path / f"out-{pair}"
        out.mkdir()
        data = tiny_task.task_data(tmp_path / f"data-{pair}", pair=pair)
        # without types of tokens it takes longer to learn which text of a pair decides
        recipe = replace(tiny_task.QUICK, num_train_epochs=6 if pair else 2)
        assert finetune(model, data, out, recipe)["test_accuracy"] > 0.9


def test_rates_fall_from_layer_to_layer_as_published() -> None:
    """XNLI, base with a decay of 0.8: embeddings .055, layer 0 .069, layer 11 .8, pooler and classifier 1."""
    factor = optimiser.layer_factors(12, 0.8)
    assert factor
    assert {
        name: round(factor(name), 3) for name in (
            "ernie_m.embeddings.word_embeddings.weight", "ernie_m.embeddings.layer_norm.bias",
            "ernie_m.encoder.layers.0.linear1.weight", "ernie_m.encoder.layers.11.norm2.weight",
            "ernie_m.pooler.dense.weight", "classifier.bias",
        )
    } == {
        "ernie_m.embeddings.word_embeddings.weight": 0.055, "ernie_m.embeddings.layer_norm.bias": 0.055,
        "ernie_m.encoder.layers.0.linear1.weight": 0.069, "ernie_m.encoder.layers.11.norm2.weight": 0.8,
        "ernie_m.pooler.dense.weight": 1.0, "classifier.bias": 1.0,
    }  # fmt: skip


def test_lower_layers_move_less(tmp_path: Path) -> None:
    model, data = tiny_task.model(tmp_path / "model", model_type="ernie_m"), tiny_task.task_data(tmp_path / "data")
    (tmp_path / "out").mkdir()
    recipe = replace(tiny_task.QUICK, max_steps=1, layer_decay=0.01, warmup_ratio=0.0, weight_decay=0.0)
    finetune(model, data, tmp_path / "out", recipe)
    before, after_one = (read_arrays(folder / weights.FILE) for folder in (model, tmp_path / "out"))
    moved = [
        float(np.abs(after_one[name] - before[name]).max())
        for name in (f"ernie_m.encoder.layers.{layer}.linear1.weight" for layer in (0, 1))
    ]
    assert moved[1] == pytest.approx(100 * moved[0], rel=0.05)


def test_frozen_parts_keep_their_weights(tmp_path: Path) -> None:
    model, data = tiny_task.model(tmp_path / "model", model_type="ernie_m"), tiny_task.task_data(tmp_path / "data")
    (tmp_path / "out").mkdir()
    finetune(
        model, data, tmp_path / "out", replace(tiny_task.QUICK, max_steps=2, freeze_embeddings=True, freeze_layers=1)
    )
    before, after_two = (read_arrays(folder / weights.FILE) for folder in (model, tmp_path / "out"))
    same = {name for name in after_two.keys() & before.keys() if np.array_equal(after_two[name], before[name])}
    assert same == {name for name in before if ".embeddings." in name or ".layers.0." in name}


def test_the_positions_of_the_model_bound_the_length(tmp_path: Path) -> None:
    model, data = tiny_task.model(tmp_path / "model", model_type="ernie_m"), tiny_task.task_data(tmp_path / "data")
    assert config.read(model).max_position_embeddings == 34
    with pytest.raises(BadInput, match="max_seq_len 33 is more than the 32 positions"):
        FineTuning.of(model, data, replace(tiny_task.QUICK, max_seq_len=33), ALONE)


def test_a_batch_has_no_types_of_tokens(tmp_path: Path) -> None:
    model, data = tiny_task.model(tmp_path / "model", model_type="ernie_m"), tiny_task.task_data(tmp_path / "data")
    made = FineTuning.of(model, data, tiny_task.QUICK, ALONE).batch(1, 0)
    assert made.inputs.keys() == {"input_ids"} and (made.inputs["input_ids"][:, 0] == 0).all()
