"""From a table of one's own to a model that answers: the step's science and the fine-tuning's in one chain."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_task
from labelled import Made, lines, write

from ernie_core.errors import BadInput
from ernie_core.tasks import defaults
from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.recipe import FinetuneRecipe


def test_a_table_is_learned(tmp_path: Path) -> None:
    chance = random.Random(3)
    rows = [tiny_task.example(chance, str(i), pair=False) for i in range(500)]
    table = "".join(f"{row['label']}\t{row['text']}\n" for row in rows)
    data = Made(write(tmp_path / "raw", {"all.tsv": "label\ttext\n" + table}), dev=0.1, test=0.1)
    (tmp_path / "out").mkdir()
    recipe = replace(tiny_task.QUICK, num_train_epochs=6)
    scores = finetune(tiny_task.model(tmp_path / "model"), data.folder, tmp_path / "out", recipe)
    assert scores["test_accuracy"] > 0.9
    assert json.loads((tmp_path / "out/task.json").read_text())["labels"] == ["negative", "positive"]


def test_a_published_data_set_brings_its_defaults(tmp_path: Path) -> None:
    row = {"sentence": "标题", "label": "100", "label_desc": "news_story"}
    data = Made(write(tmp_path / "raw", {"train.json": lines(row), "dev.json": lines(row)}))
    facts = data.read("task.json")
    found = defaults.resolved(FinetuneRecipe(), facts["task"], facts["dataset"], ())
    assert (found.num_train_epochs, found.batch_size) == (4, 64)


def test_weights_of_classes_are_no_setting_of_another_task() -> None:
    with pytest.raises(BadInput, match="class_weight is a setting of sequence_classification"):
        defaults.resolved(FinetuneRecipe(class_weight="balanced"), "question_answering", "", None)
