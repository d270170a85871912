"""The published files of words with tags, and of queries with slots, with the traps that they are known for."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import real_data
from labelled import Made

from ernie_core.tasks import task
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.text.basics import SPECIALS
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer


def made(tmp_path: Path, name: str, **settings: Any) -> Made:
    (tmp_path / "raw").symlink_to(real_data.folder(name))
    return Made(tmp_path / "raw", **settings)


def files(train: str, dev: str) -> dict[str, list[str]]:
    return {"train": [train], "dev": [dev]}


@pytest.mark.parametrize(
    ("name", "settings", "form", "scores"),
    [
        ("msra_ner_ernie_sample", {}, "msra_ner", {"train": 800, "dev": 500, "test": 500, "rejected": 0}),
        ("peoples_daily_ner", {"files": files("example.test", "example.dev")}, "peoples_daily_ner",
         {"train": 4636, "dev": 2318, "rejected": 0}),
        ("weibo_ner", {}, "weibo_ner", {"train": 1350, "dev": 270, "in_both": 42, "rejected": 0}),
        ("cluener_dev", {"dev": 0.1}, "cluener", {"rejected": 0, "in_both": 0}),
        ("wikiann_panx", {"files": files("dev-zh.tsv", "dev-[shu]?.tsv")}, "wikiann",
         {"train": 10_000, "dev": 3000, "rejected": 0}),
        ("wikiann_panx", {"files": files("dev-sw.tsv", "dev-hi.tsv"), "format": "conll"}, "conll",
         {"train": 1000, "dev": 1000, "rejected": 0}),
        ("slu_cais", {}, "cais", {"train": 7995, "dev": 994, "rejected": 0}),
        ("slu_nlpcc2018", {"dev": 0.2}, "nlpcc2018", {"left_out": 298, "rejected": 0, "in_both": 0, "related": 0}),
        ("slu_xsid_valid", {"files": files("[!e]*.conll", "en.*")}, "xsid", {"dev": 300, "rejected": 0}),
    ],
)  # fmt: skip
def test_published_files_are_read_whole(
    tmp_path: Path, name: str, settings: dict[str, Any], form: str, scores: dict[str, int]
) -> None:
    found = made(tmp_path, name, **settings)
    assert found.read("report.json")["format"] == form
    assert {score: found.scores[score] for score in scores} == scores
    of_data = task.find(found.read("task.json")["task"]).of_data(found.folder, FinetuneRecipe())
    for split in task.splits(found.folder):
        assert len(of_data.read(found.folder, split)) == found.scores[split]


def test_damaged_emoji_of_weibo_are_one_word_and_tags_without_beginning_stay(tmp_path: Path) -> None:
    rows = made(tmp_path, "weibo_ner").rows("train")
    assert {len(token) for row in rows for token in row["tokens"]} == {1, 2}
    assert sum(len(row["tokens"]) for row in rows) == 73_778
    stray = 0
    for row in rows:
        tags = ["O", *row["labels"]]
        stray += sum(two[0] == "I" and one[2:] != two[2:] for one, two in itertools.pairwise(tags))
    assert stray == 10


def test_spaces_of_cais_are_characters_of_the_query(tmp_path: Path) -> None:
    rows = made(tmp_path, "slu_cais").rows("train")
    assert sum(row["text"].count(" ") for row in rows) == 97
    within = [row["text"][s["start"] : s["end"]] for row in rows for s in row["slots"]]
    assert any(" " in text.strip() for text in within)
    assert not any(text != text.strip() for text in within)


def test_intents_of_nlpcc_2018_that_have_no_slots_are_learned_from_the_data(tmp_path: Path) -> None:
    found = made(tmp_path, "slu_nlpcc2018", dev=0.2)
    learned = task.find("joint_intent_slots").of_data(found.folder, FinetuneRecipe())
    assert set(learned.intents) - set(learned.bare) == {  # type: ignore[attr-defined]
        "music.play", "navigation.navigation", "phone_call.make_a_phone_call"
    }  # fmt: skip
    counts = Counter(row["intent"] for split in ("train", "dev") for row in found.rows(split))
    assert sum(counts.values()) == 21_352 - 298 and counts["music.prev"] == 5


@pytest.mark.parametrize(("name", "score"), [("cluener_dev", "f1"), ("slu_cais", "accuracy")])
def test_a_net_that_gives_every_token_its_label_has_all_answers_right(tmp_path: Path, name: str, score: str) -> None:
    found = made(tmp_path, name, **({"dev": 0.1} if name == "cluener_dev" else {}))
    learned: Any = task.find(found.read("task.json")["task"]).of_data(found.folder, FinetuneRecipe())
    examples = learned.read(found.folder, "dev")
    characters = sorted({char for example in examples for text in example.question for char in text.lower()} - {" "})
    features = learned.encode([example.question for example in examples], WordPieceTokenizer((*SPECIALS, *characters)))
    classes = len(learned.labels if score == "f1" else learned.tags)
    outputs = []
    for length, wanted in zip(features.lengths, learned.targets(examples, features), strict=True):
        tokens = np.eye(classes, dtype=np.float32)[wanted[:length] * (wanted[:length] >= 0)]
        if score == "f1":
            outputs.append((tokens,))
        else:
            tokens[0] = 0.0  # there is the target of the intent
            outputs.append((np.eye(len(learned.intents), dtype=np.float32)[wanted[0]], tokens))
    assert learned.scores(outputs, examples, features)[score] == 1.0
