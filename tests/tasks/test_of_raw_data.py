"""From a table of one's own to a model that answers: the step's science and the fine-tuning's in one chain."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_tags
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


def conll(row: dict[str, Any]) -> str:
    """A row of token classification as lines of words and tags."""
    return "".join(f"{token}\t{tag}\n" for token, tag in zip(row["tokens"], row["labels"], strict=True)) + "\n"


def nlpcc(number: int, row: dict[str, Any]) -> str:
    """A row of intent and slots in the columns of NLPCC 2018, three queries to a dialogue."""
    text, intent = row["text"], {"none": "OTHERS", "call": "music.play", "go": "navigation.navigation"}[row["intent"]]
    marked = text
    for slot in reversed(row["slots"]):
        name, start, end = {"PER": "singer", "LOC": "origin"}[slot["slot"]], slot["start"], slot["end"]
        marked = f"{marked[:start]}<{name}>{marked[start:end]}</{name}>{marked[end:]}"
    return f"{number // 3}\t{text}\t{intent}\t{marked}\n" + ("\n" if number % 3 == 2 else "")


@pytest.mark.parametrize("form", ["conll", "nlpcc2018"])
def test_words_with_tags_and_queries_with_slots_are_learned(tmp_path: Path, form: str) -> None:
    chance = random.Random(3)
    if form == "conll":
        text = "".join(conll(tiny_tags.tagged(chance)) for _ in range(500))
    else:
        text = "".join(nlpcc(number, tiny_tags.query(chance)) for number in range(500))
    data = Made(write(tmp_path / "raw", {"all.txt": text}), dev=0.1, test=0.1)
    assert data.read("task.json")["dataset"] == form
    (tmp_path / "out").mkdir()
    scores = finetune(
        tiny_task.model(tmp_path / "model"), data.folder, tmp_path / "out", FinetuneRecipe(**tiny_tags.QUICK)
    )
    assert scores["test_f1" if form == "conll" else "test_accuracy"] > 0.9


def test_a_published_data_set_brings_its_defaults(tmp_path: Path) -> None:
    row = {"sentence": "标题", "label": "100", "label_desc": "news_story"}
    data = Made(write(tmp_path / "raw", {"train.json": lines(row), "dev.json": lines(row)}))
    facts = data.read("task.json")
    found = defaults.resolved(FinetuneRecipe(), facts["task"], facts["dataset"], ())
    assert (found.num_train_epochs, found.batch_size) == (4, 64)


def test_weights_of_classes_are_no_setting_of_another_task() -> None:
    with pytest.raises(BadInput, match="class_weight is a setting of sequence_classification"):
        defaults.resolved(FinetuneRecipe(class_weight="balanced"), "question_answering", "", None)


def test_weights_of_classes_change_a_training_and_the_same_ones_repeat_it(tmp_path: Path) -> None:
    data, model = tiny_task.task_data(tmp_path / "data", train=64), tiny_task.model(tmp_path / "model")
    rows = [json.loads(line) for line in (data / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    tiny_task.write(
        data / "train.jsonl", [row for i, row in enumerate(rows) if row["label"] == "positive" or i % 4 == 0]
    )
    made = {}
    for name, weight in (("plain", "none"), ("weighted", "balanced"), ("again", "balanced")):
        (tmp_path / name).mkdir()
        finetune(model, data, tmp_path / name, replace(tiny_task.QUICK, class_weight=weight))
        made[name] = (tmp_path / name / "model_state.pdparams").read_bytes()
    assert made["weighted"] == made["again"] != made["plain"]
