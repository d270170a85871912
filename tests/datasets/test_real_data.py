"""The published files themselves, with the traps that they are known for."""

from typing import Any

import pytest
import real_data
from labelled import Made

from ernie_core.datasets.columns import Columns
from ernie_core.tasks import task
from ernie_core.tasks.recipe import FinetuneRecipe


def made(tmp_path: Any, name: str, **settings: Any) -> Made:
    raw = tmp_path / "raw"
    raw.symlink_to(real_data.folder(name))
    return Made(raw, **settings)


@pytest.mark.parametrize(
    ("name", "settings", "form", "scores"),
    [
        ("chnsenticorp", {}, "chnsenticorp",
         {"train": 9600, "dev": 1200, "repeated": 1351 + 22, "in_both": 338, "rejected": 0}),
        ("clue_afqmc", {"files": {"train": ["train.txt"], "dev": ["*.json"]}, "format": "clue/afqmc"}, "clue/afqmc",
         {"train": 34334, "dev": 2000, "in_both": 2000, "rejected": 0}),
        ("clue_csl", {"files": {"train": ["test_public.json"], "dev": ["dev_few_all.json"]}}, "clue/csl",
         {"train": 2838, "dev": 160, "in_both": 2, "related": 158, "rejected": 0}),
        ("clue_iflytek", {}, "clue/iflytek", {"train": 3024, "dev": 1373, "in_both": 0, "rejected": 0}),
        ("clue_tnews", {"files": {"train": ["dev.json"], "dev": ["train_few_all.json"]}}, "clue/tnews",
         {"train": 10000, "dev": 1185, "in_both": 22, "rejected": 0}),
        ("clue_wsc", {"files": {"train": ["test_public.json"], "dev": ["train_few_all.json"]}}, "clue/cluewsc2020",
         {"train": 976, "dev": 160, "in_both": 0, "related": 145, "rejected": 0}),
        ("paws_x", {"files": {"train": ["dev-en.tsv"], "dev": ["dev-zh.tsv"]}, "format": "paws_x"}, "paws_x",
         {"train": 2000, "dev": 1984, "left_out": 16, "rejected": 0}),
        ("sick_nli_en", {}, "sick_nli", {"train": 4439, "dev": 495, "test": 4906, "rejected": 0}),
        ("clue_ocnli", {"dev": 0.1}, "clue/ocnli", {"left_out": 15, "rejected": 0, "in_both": 0, "related": 0}),
        ("cmnli_dev", {"dev": 0.1, "format": "clue/cmnli"}, "clue/cmnli", {"rejected": 0, "in_both": 0, "related": 0}),
        ("cmnli_dev", {"dev": 0.1, "format": "xnli_cn"}, "xnli_cn", {"rejected": 0, "in_both": 0, "related": 0}),
        ("raw_zh_abstracts", {"files": {"train": ["*.json"]}, "dev": 0.2, "columns": Columns(text="content")}, "jsonl",
         {"rejected": 0}),
    ],
)  # fmt: skip
def test_published_files_are_read_whole(
    tmp_path: Any, name: str, settings: dict[str, Any], form: str, scores: dict[str, int]
) -> None:
    found = made(tmp_path, name, **settings)
    assert found.read("report.json")["format"] == form
    assert {score: found.scores[score] for score in scores} == scores
    kind = task.find(found.read("task.json")["task"])
    of_data = kind.of_data(found.folder, FinetuneRecipe())
    for split in task.splits(found.folder):
        assert len(of_data.read(found.folder, split)) == found.scores[split]


def test_premises_of_ocnli_stay_together(tmp_path: Any) -> None:
    found = made(tmp_path, "clue_ocnli", dev=0.1, test=0.1)
    premises = [{row["text"] for row in found.rows(split)} for split in ("train", "dev", "test")]
    assert sum(map(len, premises)) == len(set().union(*premises))
    assert sum(found.scores[split] for split in ("train", "dev", "test")) == 10_000 - 15
