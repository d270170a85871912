"""Fine-tuning: it learns, it repeats itself bit for bit, and what it saves is the best it saw."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tiny_task

from ernie_core.compress import export
from ernie_core.errors import BadInput, Stopped
from ernie_core.model.arrays import read_arrays, write_arrays
from ernie_core.serve.predictor import Predictor
from ernie_core.store import open_store
from ernie_core.tasks import task
from ernie_core.tasks.finetune import finetune
from ernie_core.text import tokenizer as tokenizers
from ernie_core.train.checkpoint.commit import CheckpointLocation

NAMES = ("negative", "positive")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_task.model(tmp_path_factory.mktemp("pretrained") / "model")


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_task.task_data(tmp_path_factory.mktemp("labelled") / "data")


def run(model: Path, examples: Path, out: Path, **changes: float) -> Mapping[str, float]:
    out.mkdir()
    return finetune(model, examples, out, replace(tiny_task.QUICK, **changes))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_it_learns_a_task_and_writes_all_that_serving_needs(model: Path, examples: Path, tmp_path: Path) -> None:
    scores = run(model, examples, tmp_path / "a")
    assert scores["accuracy"] > 0.9
    assert scores["test_accuracy"] > 0.9
    assert (tmp_path / "a" / "labels.txt").read_text() == "negative\npositive\n"
    said = json.loads((tmp_path / "a" / "task.json").read_text())
    assert said == {"task": "sequence_classification", "max_seq_len": 16, "labels": list(NAMES), "text_pair": False}
    assert tokenizers.open(tmp_path / "a") == tokenizers.open(model)


def test_the_same_inputs_give_the_same_bytes_with_dropout_too(model: Path, examples: Path, tmp_path: Path) -> None:
    run(model, examples, tmp_path / "a")
    run(model, examples, tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")
    run(model, examples, tmp_path / "c", seed=43)
    assert files(tmp_path / "c")["model_state.pdparams"] != files(tmp_path / "a")["model_state.pdparams"]


def test_evaluating_more_often_does_not_change_the_training(model: Path, examples: Path, tmp_path: Path) -> None:
    def last(out: str, every: int) -> dict[str, float]:
        run(model, examples, tmp_path / out, eval_steps=every)
        return json.loads((tmp_path / out / "metrics.json").read_text())["curve"][-1]

    often, once = last("often", 1), last("once", 1000)
    assert {key: often[key] for key in ("step", "accuracy", "loss")} == {
        key: once[key] for key in ("step", "accuracy", "loss")
    }


def test_the_saved_weights_are_those_that_were_best_on_dev(model: Path, examples: Path, tmp_path: Path) -> None:
    # a rate that is far too high at the end spoils what was learned before
    scores = run(model, examples, tmp_path / "a", eval_steps=2, num_train_epochs=3, learning_rate=0.03)
    said = json.loads((tmp_path / "a" / "metrics.json").read_text())
    best = max(said["curve"], key=lambda row: (row["accuracy"], -row["loss"]))
    assert best["step"] == said["best_step"] < said["curve"][-1]["step"]
    assert scores["accuracy"] == best["accuracy"]

    learned = task.read(tmp_path / "a")
    net = partial(export.ask, export.opened(tmp_path / "a", learned))
    predictor = Predictor(learned, tokenizers.open(tmp_path / "a"), net, 16)
    rows = learned.read(examples, "dev")
    features = predictor.encode([row.question for row in rows])
    found = learned.scores(predictor.run(features), rows, features)
    assert found["loss"] == pytest.approx(best["loss"], abs=1e-6)


def test_a_pair_of_texts_is_learned_by_its_second_text(model: Path, tmp_path: Path) -> None:
    scores = run(model, tiny_task.task_data(tmp_path / "pairs", pair=True), tmp_path / "a")
    assert scores["test_accuracy"] > 0.9
    assert json.loads((tmp_path / "a" / "task.json").read_text())["text_pair"] is True


def test_max_steps_and_a_part_of_an_epoch_decide_how_long_it_takes(model: Path, examples: Path, tmp_path: Path) -> None:
    steps = []
    for number, changes in enumerate(({"max_steps": 3}, {"num_train_epochs": 0.25})):
        run(model, examples, tmp_path / str(number), **changes)
        steps.append(json.loads((tmp_path / str(number) / "metrics.json").read_text())["curve"][-1]["step"])
    assert steps == [3, 5]


def test_layers_below_learn_more_slowly_with_layer_decay(model: Path, examples: Path, tmp_path: Path) -> None:
    run(model, examples, tmp_path / "a", max_steps=1, layer_decay=0.01, warmup_ratio=0.0, weight_decay=0.0)
    before = read_arrays(model / "model_state.pdparams")
    after = read_arrays(tmp_path / "a" / "model_state.pdparams")

    def moved(name: str) -> float:
        return float(np.abs(after[name] - before[name]).max())

    upper, lower = (moved(f"ernie.encoder.layers.{i}.linear1.weight") for i in (1, 0))
    assert upper == pytest.approx(100 * lower, rel=0.05)
    assert moved("ernie.pooler.dense.weight") == pytest.approx(100 * upper, rel=0.05)


def test_a_stopped_run_without_a_place_for_checkpoints_leaves_nothing_and_says_so(
    model: Path, examples: Path, tmp_path: Path
) -> None:
    with pytest.raises(Stopped, match="nothing is kept without a place for checkpoints: it will start from the"):
        finetune(model, examples, tmp_path, tiny_task.QUICK, stop=lambda: True)
    assert not list(tmp_path.iterdir())


def test_a_stopped_run_with_checkpoints_resumes_and_makes_the_same_model(
    model: Path, examples: Path, tmp_path: Path
) -> None:
    for name in ("whole", "a", "b", "scratch"):
        (tmp_path / name).mkdir()
    place = CheckpointLocation(open_store(tmp_path / "store"), "finetune/x", tmp_path / "scratch")
    said = iter([False] * 9)
    with pytest.raises(Stopped, match=r"stopped after step 10, committed as .*finetune/x/model_10"):
        finetune(model, examples, tmp_path / "a", tiny_task.QUICK, checkpoints=place, stop=lambda: next(said, True))
    assert not list((tmp_path / "a").iterdir())
    finetune(model, examples, tmp_path / "b", tiny_task.QUICK, checkpoints=place)
    finetune(model, examples, tmp_path / "whole", tiny_task.QUICK)
    made, whole = files(tmp_path / "b"), files(tmp_path / "whole")
    assert made.pop("report.html") and whole.pop("report.html")  # says that there was a restart
    assert made == whole


def test_a_loss_that_is_no_number_ends_the_run(examples: Path, tmp_path: Path) -> None:
    broken = tiny_task.model(tmp_path / "broken")
    arrays = read_arrays(broken / "model_state.pdparams")
    arrays["ernie.embeddings.layer_norm.weight"] = np.full(16, np.nan, np.float32)
    write_arrays(arrays, broken / "model_state.pdparams")
    with pytest.raises(BadInput, match=r"step 1: the loss is nan; nothing is saved after it, .* lower learning_rate"):
        run(broken, examples, tmp_path / "a")


def test_what_cannot_work_is_refused_before_training(model: Path, examples: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="max_seq_len 33 is more than the 32 positions"):
        run(model, examples, tmp_path / "a", max_seq_len=33)
    with pytest.raises(BadInput, match="batch_size 0 must be at least 1"):
        replace(tiny_task.QUICK, batch_size=0)
