"""One label for a text or a pair: what the task says of its data, its questions and its answers."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest
import tiny_task

from ernie_core.errors import BadInput, NotFound
from ernie_core.tasks import task
from ernie_core.tasks.features import Features
from ernie_core.tasks.metrics import classification as metrics
from ernie_core.tasks.readers.classification import LabelledText
from ernie_core.tasks.sequence_classification import LabelPrediction, SequenceClassification
from ernie_core.text.basics import SPECIALS
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

SINGLE = SequenceClassification(16, ("bad", "good"), text_pair=False)
PAIRS = SequenceClassification(16, ("bad", "good"), text_pair=True)
TOKENIZER = WordPieceTokenizer((*SPECIALS, "好", "坏"))
OUTPUTS = [(np.float32([0, 1]),), (np.float32([2, 0]),), (np.float32([0, 0]),)]


def features(rows: int) -> Features:
    return Features([[1]] * rows, [[0]] * rows)


def test_every_task_that_a_recipe_may_name_is_found_under_its_name() -> None:
    for name in task.TASKS:
        assert task.find(name).name == name
    with pytest.raises(BadInput, match="task `parsing` is not known, choose from: sequence_classification"):
        task.find("parsing")


@pytest.mark.parametrize("pair", [False, True])
def test_the_task_of_some_data_is_saved_and_read_again(tmp_path: Path, pair: bool) -> None:
    data = tiny_task.task_data(tmp_path / "data", pair=pair)
    learned = SequenceClassification.of_data(data, replace(tiny_task.QUICK, max_seq_len=16))
    assert learned == SequenceClassification(16, ("negative", "positive"), pair)
    learned.save(tmp_path)
    said = json.loads((tmp_path / "task.json").read_text())
    assert said == {
        "task": "sequence_classification", "max_seq_len": 16, "labels": ["negative", "positive"], "text_pair": pair
    }  # fmt: skip
    assert task.read(tmp_path) == learned
    assert learned.differs(data) == ""
    assert not {"labels"} & learned.description().keys(), "they are in a file of their own"


def test_a_folder_without_a_task_and_a_damaged_one_are_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"task\.json: no such file, this folder holds no fine-tuned model"):
        task.read(tmp_path)
    SINGLE.copy_to(tmp_path)
    for said in ("{", "[]", "{}", '{"task": "sequence_classification", "text_pair": false}'):
        (tmp_path / "task.json").write_text(said)
        with pytest.raises(BadInput, match=r"task\.json: damaged, fine-tune again"):
            task.read(tmp_path)


def test_questions_of_another_form_are_refused() -> None:
    assert len(PAIRS.encode([("好", "坏"), ("", "好")], TOKENIZER).lengths) == 2
    with pytest.raises(BadInput, match="trained on single texts, not on \\('好', '坏'\\)"):
        SINGLE.encode(["好", ("好", "坏")], TOKENIZER)
    for other in ("好坏", ("好",), ("好", "坏", "好")):
        with pytest.raises(BadInput, match="trained on pairs of texts, not on"):
            PAIRS.encode([other], TOKENIZER)  # type: ignore[list-item]


def test_a_line_is_a_question_and_a_question_is_shown() -> None:
    assert SINGLE.question("a.txt:1", "好\t坏") == "好\t坏"
    assert PAIRS.question("a.txt:1", "好\t坏\t好") == ("好", "坏\t好")
    with pytest.raises(BadInput, match=r"a\.txt:1: this model was trained on pairs, separate the two texts by a tab"):
        PAIRS.question("a.txt:1", "好")
    assert (SINGLE.asked("好"), SINGLE.shown("好")) == ({"text": "好"}, "sentence: 好")
    assert PAIRS.asked(("好", "坏")) == {"text": "好", "text_pair": "坏"}
    assert PAIRS.shown(("好", "坏")) == "sentence1: 好, sentence2: 坏"


@pytest.mark.parametrize("asked", [SINGLE, PAIRS])
def test_the_probe_can_be_asked_and_kept_as_json(asked: SequenceClassification) -> None:
    lengths = replace(asked, max_seq_len=128).encode(asked.probe(), TOKENIZER).lengths
    assert len(set(lengths)) == len(lengths) == 4
    assert len(json.loads(json.dumps(asked.probe()))) == len(lengths)


def test_predictions_figures_and_agreement_by_hand() -> None:
    good, bad, tie = SINGLE.decode(OUTPUTS, features(3))
    assert [good.label, bad.label, tie.label] == ["good", "bad", "bad"]
    assert good.scores == {"bad": pytest.approx(1 / (1 + np.e)), "good": pytest.approx(np.e / (1 + np.e))}
    assert SINGLE.decode([], features(0)) == []
    assert good.row() == {"predicted": "good", "scores": {"bad": 0.268941, "good": 0.731059}}
    assert (
        LabelPrediction("good", {"bad": 0.25, "good": 0.75}).text()
        == "label: good, bad prob: 0.2500, good prob: 0.7500"
    )
    assert SINGLE.figures(good) == {"share_bad": 0, "share_good": 1}
    others = [(-row[0],) for row in OUTPUTS]
    assert SINGLE.agreement(OUTPUTS, OUTPUTS, features(3)) == 1
    assert SINGLE.agreement(OUTPUTS, others, features(3)) == pytest.approx(1 / 3)


def test_outputs_that_cannot_be_of_this_task_are_told() -> None:
    assert SINGLE.misfit(OUTPUTS) == ""
    assert SINGLE.misfit([(np.zeros(3),)]) == "3 logits for 2 labels"
    assert SINGLE.misfit([(np.zeros(2), np.zeros(2))]) == "2 outputs instead of logits"


def test_best_is_the_most_accurate_and_the_smaller_loss_among_equals() -> None:
    one, two = {"accuracy": 0.5, "loss": 1.0}, {"accuracy": 0.5, "loss": 0.9}
    assert SINGLE.better(one, None) and SINGLE.better(two, one)
    assert not SINGLE.better(one, two) and not SINGLE.better(one, one)
    assert SINGLE.better({"accuracy": 0.6, "loss": 9.0}, two)


def test_predictions_for_clue_are_lines_with_the_ids_of_the_rows() -> None:
    examples = [LabelledText("7", "x", None, None), LabelledText("q-1", "y", None, None)]
    predictions = [
        LabelPrediction("good", {"bad": 0.1, "good": 0.9}),
        LabelPrediction("bad", {"bad": 0.6, "good": 0.4}),
    ]
    lines = '{"id": 7, "label": "good"}\n{"id": "q-1", "label": "bad"}\n'
    for dataset, name in (
        ("clue/tnews", "tnews11"), ("clue/ocnli", "ocnli_50k"), ("clue/cluewsc2020", "cluewsc11"), ("clue/csl", "csl"),
        ("clue/afqmc", "afqmc"), ("clue/iflytek", "iflytek"), ("clue/cmnli", "cmnli"),
    ):  # fmt: skip
        assert SINGLE.submission(predictions, examples, dataset) == {f"{name}_predict.json": lines}
    assert SINGLE.submission(predictions, examples, "chnsenticorp") == {}, "it has no form of its own"


def test_the_weighted_loss_is_that_of_numpy_and_adds_up_over_micro_batches(tmp_path: Path) -> None:
    data = tiny_task.task_data(tmp_path / "data")
    rare = [{"id": str(i), "text": "天", "label": "positive" if i % 4 else "negative"} for i in range(8)]
    tiny_task.write(data / "train.jsonl", rare)
    weighted = SequenceClassification.of_data(data, replace(tiny_task.QUICK, class_weight="balanced"))
    assert weighted.weights == (2.0, 8 / 12)
    logits = np.float32([[0.5, -1.0], [2.0, 0.0], [0.0, 3.0], [1.0, 1.0]])
    targets = np.int64([0, 1, 1, 0])

    def loss(rows: slice) -> float:
        return float(weighted.loss([paddle.to_tensor(logits[rows])], targets[rows]))

    logs = np.log(metrics.softmax(logits))[range(4), targets]
    expected = -(np.take(weighted.weights, targets) * logs).mean()
    assert loss(slice(0, 4)) == pytest.approx(expected, rel=1e-6)
    assert (loss(slice(0, 2)) + loss(slice(2, 4))) / 2 == pytest.approx(expected, rel=1e-6)
    weighted.save(tmp_path)
    assert task.read(tmp_path) == replace(weighted, weights=()), "a model that answers needs no weights"
