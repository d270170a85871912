"""Many texts at once: the scores of a split, the labels of a text."""

import json
import shutil
from pathlib import Path

import pytest

from ernie_core.errors import BadInput, NotFound, Stopped
from ernie_core.serve import evaluation
from ernie_core.serve.predictor import Predictor


@pytest.fixture(scope="module")
def predictor(exported: Path) -> Predictor:
    return Predictor.open(exported, engine="onnxruntime", batch_size=4)


def rows(report: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (report / "predictions.jsonl").read_text().splitlines()]


def test_the_report_holds_every_example_in_order_and_its_scores(
    predictor: Predictor, exported: Path, tmp_path: Path
) -> None:
    data = exported.with_name("data")
    scores = evaluation.score(predictor, data, tmp_path, split="test")
    found = rows(tmp_path)
    assert [row["id"] for row in found] == [f"test-{i}" for i in range(40)]
    right = sum(row["label"] == row["predicted"] for row in found)
    assert scores["accuracy"] == right / 40 > 0.9
    assert scores["examples"] == 40
    assert json.loads((tmp_path / "metrics.json").read_text()) == {**scores, "split": "test"}


def test_data_with_other_labels_are_refused(predictor: Predictor, exported: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(exported.with_name("data"), tmp_path / "data"))
    (other / "labels.txt").write_text("positive\nnegative\n")
    with pytest.raises(BadInput, match="the labels are positive, negative, the model's are negative, positive"):
        evaluation.score(predictor, other, tmp_path, split="dev")


def test_data_without_a_test_are_told_how_to_evaluate(predictor: Predictor, exported: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(exported.with_name("data"), tmp_path / "data"))
    (data / "test.jsonl").unlink()
    with pytest.raises(NotFound, match="there is no test: evaluate dev with `split: dev`, or give `dataset` a"):
        evaluation.score(predictor, data, tmp_path, split="test")


def test_every_line_of_a_text_that_is_not_empty_gets_a_label(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("坏风\r\n", encoding="utf-8", newline="")
    (tmp_path / "a.txt").write_text("天地好人\n\n好水", encoding="utf-8")
    scores = evaluation.label(predictor, tmp_path, tmp_path)
    found = [(row["id"], row["text"], row["predicted"]) for row in rows(tmp_path)]
    assert found == [
        ("a.txt:1", "天地好人", "positive"),
        ("a.txt:3", "好水", "positive"),
        ("b.txt:1", "坏风", "negative"),
    ]
    assert scores == {"examples": 3, "share_negative": pytest.approx(1 / 3), "share_positive": pytest.approx(2 / 3)}


def test_a_text_without_lines_and_a_stop_are_said(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no \*\.txt files"):
        evaluation.label(predictor, tmp_path, tmp_path)
    (tmp_path / "a.txt").write_text("\n \n")
    with pytest.raises(BadInput, match="every line is empty"):
        evaluation.label(predictor, tmp_path, tmp_path)
    (tmp_path / "a.txt").write_text("好\n")
    with pytest.raises(Stopped, match="stopped after 1 examples"):
        evaluation.label(predictor, tmp_path, tmp_path, stop=lambda: True)
