"""Results: figures against a slow count, files of a fine-tuning and of an evaluation, a page without other files."""

import json
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_task

from ernie_core.compress import inference
from ernie_core.serve import evaluation, package
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks import outcome, results
from ernie_core.tasks.features import Features
from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.readers.classification import LabelledText
from ernie_core.tasks.sequence_classification import LabelPrediction, SequenceClassification


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in `finetuned`, its data in `data`, and the pretrained model in `model`."""
    home = tmp_path_factory.mktemp("results")
    tiny_task.finetuned(home)
    return home


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def train(home: Path, data: Path, out: Path) -> Mapping[str, float]:
    out.mkdir()
    return finetune(home / "model", data, out, replace(tiny_task.QUICK, max_steps=5))


def test_classes_are_counted_as_by_hand() -> None:
    chance = random.Random(5)
    pairs = [(chance.choice("abc"), chance.choice(["a", "b", "c", ""])) for _ in range(200)]
    found = results.classes(pairs)
    assert [row["class"] for row in found["table"]] == ["a", "b", "c"]
    for row in found["table"]:
        name = row["class"]
        both = sum(one == two == name for one, two in pairs)
        assert row["support"] == sum(one == name for one, _ in pairs)
        assert row["predicted"] == sum(two == name for _, two in pairs)
        assert row["precision"] == pytest.approx(both / row["predicted"], abs=1e-6)
        assert row["recall"] == pytest.approx(both / row["support"], abs=1e-6)
        assert row["f1"] == pytest.approx(2 / (1 / row["precision"] + 1 / row["recall"]), abs=1e-5)
    assert found["names"] == ["", "a", "b", "c"]
    assert sum(map(sum, found["matrix"])) == 200
    largest = found["confusions"][0]
    assert largest["count"] == max(pairs.count((a, b)) for a in "abc" for b in ("a", "b", "c", "") if a != b)


def test_of_many_classes_only_the_largest_confusions_are_kept() -> None:
    pairs = [(f"c{n:02}", f"c{n + 1:02}") for n in range(40) for _ in range(n + 1)]
    found = results.classes(pairs)
    assert found["names"] == found["matrix"] == []
    assert len(found["confusions"]) == results.LARGEST
    assert found["confusions"][0] == {"true": "c39", "predicted": "c40", "count": 40}


def test_confidence_is_compared_with_what_is_right() -> None:
    sure, right = np.array([0.05, 0.95, 0.92, 1.0, 0.1]), np.array([0.0, 1.0, 0.0, 1.0, 1.0])
    found = results.calibration(sure, right)
    assert [row["count"] for row in found["bins"]] == [1, 1, 0, 0, 0, 0, 0, 0, 0, 3]
    assert found["bins"][9]["right"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["ece"] == pytest.approx((0.05 + 0.9 + 3 * abs(2 / 3 - 2.87 / 3)) / 5, abs=1e-6)


def test_quarters_by_length_hold_every_example_once() -> None:
    lengths, right = np.array([3, 9, 9, 4, 5, 9, 6, 7]), np.array([1.0, 0, 0, 1, 1, 0, 1, 1])
    found = results.by_length(lengths, right, 1 - right)
    assert [(row["from"], row["to"], row["count"]) for row in found] == [(3, 4, 2), (5, 6, 2), (7, 7, 1), (9, 9, 3)]
    assert [(row["right"], row["loss"]) for row in found] == [(1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
    assert results.by_length(np.array([4, 4]), np.array([1.0, 0.0]), None) == [
        {"from": 4, "to": 4, "count": 2, "right": 0.5}
    ]


def test_a_fine_tuning_writes_its_scores_and_its_answers(home: Path) -> None:
    model, metrics = home / "finetuned", read(home / "finetuned/metrics.json")
    assert read(model / "eval_results.json") == {
        **{f"eval_{name}": metrics[name] for name in ("accuracy", "macro_f1", "loss")},
        "examples": 40, "best_step": metrics["best_step"], "metric_for_best_model": "accuracy",
    }  # fmt: skip
    tested = read(model / "test_results.json")
    assert [row["id"] for row in tested["rows"]] == [f"test-{n}" for n in range(40)]
    right = sum(row["predicted"] == row["truth"] for row in tested["rows"])
    assert tested["test_accuracy"] == metrics["test_accuracy"] == right / 40
    names = ("negative", "positive")
    assert [names[number] for number in tested["label"]] == [row["predicted"] for row in tested["rows"]]
    assert tested["confidence"] == [row["confidence"] for row in tested["rows"]]
    found = read(model / "results.json")
    assert found["splits"].keys() == {"dev", "test"}
    assert found["splits"]["dev"]["scores"] == {name: metrics[name] for name in ("accuracy", "macro_f1", "loss")}


def test_test_may_have_no_answers_or_be_missing(home: Path, tmp_path: Path) -> None:
    data = tiny_task.task_data(tmp_path / "data")
    rows = [json.loads(line) for line in (data / "test.jsonl").read_text().splitlines()]
    tiny_task.write(data / "test.jsonl", [{"id": row["id"], "text": row["text"]} for row in rows])
    assert "test_accuracy" not in train(home, data, tmp_path / "a")
    tested = read(tmp_path / "a/test_results.json")
    assert tested["rows"][0].keys() == {"id", "predicted", "confidence"} and len(tested["label"]) == 40
    assert read(tmp_path / "a/results.json")["splits"]["test"]["labelled"] is False
    (data / "test.jsonl").unlink()
    train(home, data, tmp_path / "b")
    assert not (tmp_path / "b/test_results.json").exists()
    assert read(tmp_path / "b/results.json")["splits"].keys() == {"dev"}


def test_files_to_hand_in_are_of_test_or_say_that_they_are_of_dev(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def submission(self: SequenceClassification, predictions: Any, examples: Any, dataset: str) -> Mapping[str, str]:
        return {f"{dataset or 'own'}_predict.json": "".join(f"{example.id}\n" for example in examples)}

    monkeypatch.setattr(SequenceClassification, "submission", submission)
    data = tiny_task.task_data(tmp_path / "data")
    train(home, data, tmp_path / "a")
    assert (tmp_path / "a/predictions/own_predict.json").read_text().startswith("test-0\n")
    (data / "test.jsonl").unlink()
    train(home, data, tmp_path / "b")
    assert [path.name for path in (tmp_path / "b" / outcome.HANDED_IN).iterdir()] == ["dev_own_predict.json"]


def test_the_page_shows_every_section_and_loads_nothing(home: Path) -> None:
    page = (home / "finetuned/results.html").read_text(encoding="utf-8")
    assert re.findall("<h2[^>]*>([^<]*)</h2>", page)[:5] == [
        "dev", "Classes", "Confusions", "Confidence", "By length in tokens",
    ]  # fmt: skip
    assert not re.search(r"<script|<link|<img|src=|href=|url\(", page)


def test_the_worst_examples_say_how_right_they_are_where_some_are_partly_right() -> None:
    rows = [{"id": str(n), "question": "q", "true": "a", "predicted": "b", "confidence": 0.9, "right": right}
            for n, right in enumerate((0.0, 0.25))]  # fmt: skip
    split = {"labelled": True, "scores": {}, "examples": 2, "classes": {"table": []}, "lengths": [], "worst": rows,
             "confidence": results.calibration(np.array([0.9, 0.9]), np.array([0.0, 0.25]))}  # fmt: skip
    page = results.results_page.page({"task": "question_answering", "main": "f1", "splits": {"dev": split}}, "")
    assert "<th>right</th>" in page and "<td>25.00 %</td>" in page


def test_texts_on_the_page_are_escaped_and_cut() -> None:
    task = SequenceClassification(16, ("<a>", "b"), text_pair=False)
    examples = [LabelledText("1", f"<script>{'长' * 400}", None, 0), LabelledText("2", "x", None, 1)]
    features = Features([[1, 2], [1, 2, 3]], [[0, 0], [0, 0, 0]])
    outputs = [(np.array([0.0, 5.0], np.float32),)] * 2
    answered = results.Answered.of(task, "dev", examples, features, outputs)
    (worst,) = results.figures(answered)["worst"]
    assert worst["true"] == "<a>" and worst["predicted"] == "b" and worst["confidence"] > 0.99
    page = results.results_page.page(
        {"task": task.name, "main": "accuracy", "splits": {"dev": results.figures(answered)}}, "a & b"
    )
    assert "<script" not in page and "&lt;a&gt;" in page and "a &amp; b" in page and "长" * 200 not in page
    assert isinstance(answered.predictions[0], LabelPrediction)


def test_an_evaluation_writes_the_same_figures_and_a_package_takes_none(home: Path, tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("inference", "scratch", "report", "package")}
    for folder in folders.values():
        folder.mkdir()
    inference.build(home / "finetuned", None, folders["inference"], folders["scratch"], strategy="none")
    predictor = Predictor.open(folders["inference"], engine="onnxruntime")
    evaluation.score(predictor, home / "data", folders["report"], split="test")
    package.build(folders["inference"], folders["report"], folders["package"], name="x", version="1", lineage={})
    ours, theirs = (
        read(folder / "results.json")["splits"]["test"] for folder in (home / "finetuned", folders["report"])
    )
    assert ours["classes"] == theirs["classes"]
    assert ours["scores"]["loss"] == pytest.approx(theirs["scores"]["loss"], abs=1e-5)
    for name in ("inference", "package"):
        assert not [path.name for path in folders[name].iterdir() if "results" in path.name]
