"""Examples in several languages: what chooses the best weights, scores of each language, and the published table."""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_task

from ernie_core.compress import inference
from ernie_core.errors import BadInput
from ernie_core.serve import evaluation
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks import defaults, languages, task, xnli_report
from ernie_core.tasks.finetune import FineTuning, finetune
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.text import tokenizer as tokenizers
from ernie_core.train.optim import optimiser
from ernie_core.train.parallel.team import Team

SWAPPED = {"negative": "positive", "positive": "negative"}


def examples(folder: Path, mode: str) -> Path:
    """Labelled texts in English, and the same in Swahili, where dev and test have the other label: what is learned of
    the one is wrong in the other."""
    tiny_task.task_data(folder)
    deciding = ["en"] if mode == "cross-lingual-transfer" else ["en", "sw"]
    for split in ("train", "dev", "test"):
        rows = [json.loads(line) for line in (folder / f"{split}.jsonl").read_text().splitlines()]
        english = [{**row, "id": f"en-{i}", "language": "en"} for i, row in enumerate(rows, 1)]
        swahili = [
            {**row, "id": f"sw-{i}", "language": "sw", "label": SWAPPED[row["label"]]} for i, row in enumerate(rows, 1)
        ]
        tiny_task.write(folder / f"{split}.jsonl", english + ([] if split == "train" else swahili))
    said = {"task": "sequence_classification", "dataset": "xnli", "mode": mode, "languages": ["en", "sw"]}
    (folder / "task.json").write_text(json.dumps({**said, "deciding_languages": deciding}))
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_task.model(tmp_path_factory.mktemp("pretrained") / "model")


@pytest.fixture(scope="module")
def home(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained on English alone, in `finetuned`, its scores in `scores.json`, its data in `data`."""
    home = tmp_path_factory.mktemp("transfer")
    examples(home / "data", "cross-lingual-transfer")
    (home / "finetuned").mkdir()
    scores = finetune(model, home / "data", home / "finetuned", tiny_task.QUICK)
    (home / "scores.json").write_text(json.dumps(scores))
    return home


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_english_chooses_the_weights_and_all_languages_are_scored(home: Path) -> None:
    scores: Mapping[str, float] = read(home / "scores.json")
    assert scores["accuracy_en"] > 0.9 and scores["accuracy_sw"] < 0.1
    assert scores["accuracy"] == pytest.approx(0.5) and scores["accuracy_average"] == pytest.approx(0.5)
    assert {"test_accuracy_en", "test_accuracy_sw", "test_accuracy_average"} <= scores.keys()
    curve = read(home / "finetuned/metrics.json")["curve"]
    best = max(curve, key=lambda row: (row["accuracy"], -row["loss"]))
    assert best["accuracy"] == scores["accuracy_en"], "between steps only English dev is evaluated"
    assert read(home / "finetuned/metrics.json")["best_step"] == best["step"]


def test_all_languages_choose_where_all_are_trained(model: Path, tmp_path: Path) -> None:
    data = examples(tmp_path / "data", "translate-train-all")
    (tmp_path / "out").mkdir()
    scores = finetune(model, data, tmp_path / "out", tiny_task.QUICK)
    curve = read(tmp_path / "out/metrics.json")["curve"]
    assert max(row["accuracy"] for row in curve) == pytest.approx(scores["accuracy"])
    assert len({round(row["accuracy"], 6) for row in curve}) == 1, "what one language gains the other loses"


def test_result_files_have_language_and_row_beside_the_published_keys(home: Path) -> None:
    scores = read(home / "scores.json")
    evaluated = read(home / "finetuned/eval_results.json")
    assert {f"eval_{name}" for name in scores if not name.startswith("test_")} <= evaluated.keys()
    assert evaluated["eval_accuracy_en"] == scores["accuracy_en"]
    assert evaluated["eval_accuracy_average"] == scores["accuracy_average"]
    tested = read(home / "finetuned/test_results.json")
    assert len(tested["label"]) == len(tested["confidence"]) == len(tested["rows"]) == 80
    assert [(row["id"], row["language"]) for row in tested["rows"]] == [
        (f"{language}-{i}", language) for language in ("en", "sw") for i in range(1, 41)
    ]
    assert tested["test_accuracy_sw"] == scores["test_accuracy_sw"]
    handed = {path.name: path.read_text().splitlines() for path in (home / "finetuned/predictions").iterdir()}
    assert handed.keys() == {"en.tsv", "sw.tsv"}
    assert [line.split("\t") for line in handed["sw.tsv"]] == [
        [row["id"], row["predicted"]] for row in tested["rows"] if row["language"] == "sw"
    ]


def test_the_report_has_a_row_beside_the_published_ones(home: Path) -> None:
    found = read(home / "finetuned/results.json")
    test = found["splits"]["test"]
    assert [(row["language"], row["examples"]) for row in test["languages"]] == [("en", 40), ("sw", 40)]
    assert test["average"]["accuracy"] == pytest.approx(read(home / "scores.json")["test_accuracy_average"], abs=1e-6)
    assert found["published"][0]["model"] == "ERNIE-M base" and found["published"][0]["scores"]["sw"] == 0.695
    page = (home / "finetuned/results.html").read_text(encoding="utf-8")
    assert "xnli, cross-lingual-transfer, weights of step" in page and "the best by accuracy on dev in en<" in page
    row = page[page.index("<td>ERNIE-M base</td>") :].partition("</tr>")[0]
    assert row == "<td>ERNIE-M base</td><td>85.5</td><td>69.5</td><td>77.3</td>"


def test_published_figures_of_test_stand_beside_those_of_test_alone(home: Path) -> None:
    page = (home / "finetuned/results.html").read_text(encoding="utf-8")
    of = {part.partition("<")[0]: part for part in page.split('<h2 class="split">')[1:]}
    assert of.keys() == {"dev", "test"}
    assert [split for split, part in of.items() if "ERNIE-M base" in part or "published accuracy" in part] == ["test"]
    assert "By language" in of["dev"]


def test_the_exported_model_is_scored_by_language_too(home: Path, tmp_path: Path) -> None:
    for name in ("inference", "scratch", "report"):
        (tmp_path / name).mkdir()
    made, scratch, report = (tmp_path / name for name in ("inference", "scratch", "report"))
    inference.build(home / "finetuned", home / "data", made, scratch, strategy="none")
    predictor = Predictor.open(made, engine="onnxruntime")
    scores = evaluation.score(predictor, home / "data", report, split="test")
    trained = read(home / "scores.json")
    for name in ("accuracy_en", "accuracy_sw", "accuracy_average"):
        assert scores[name] == pytest.approx(trained[f"test_{name}"])
    rows = [json.loads(line) for line in (report / "predictions.jsonl").read_text().splitlines()]
    assert rows[0]["language"] == "en" and rows[-1]["language"] == "sw"


def test_scores_of_a_language_are_those_of_its_rows_alone(home: Path) -> None:
    chance, learned = np.random.default_rng(3), task.read(home / "finetuned")
    rows = list(learned.read(home / "data", "dev"))
    random.Random(5).shuffle(rows)
    features = learned.encode([row.question for row in rows], tokenizers.open(home / "finetuned"))
    outputs = [(row,) for row in chance.normal(size=(len(rows), 2)).astype("float32")]
    found = languages.scores(learned, outputs, rows, features)
    for name, scores in found.items():
        held = [i for i, row in enumerate(rows) if row.language == name]
        right = [int(outputs[i][0].argmax()) == rows[i].label for i in held]
        assert scores["accuracy"] == pytest.approx(sum(right) / len(right))
    mean = sum(scores["accuracy"] for scores in found.values()) / 2
    assert languages.named(found, "accuracy")["accuracy_average"] == pytest.approx(mean)


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("task.json", {"deciding_languages": "en"}, r"task.json: deciding_languages is 'en', it must be a list"),
        ("task.json", {"deciding_languages": ["ur"]}, r"dev.jsonl: no example is in ur, by which the best weights"),
        ("dev.jsonl", {"id": "1", "text": "天", "label": "positive", "language": "English"},
         r'dev.jsonl:1: "language" is "English", it must be a code of two letters such as "en"'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_languages_is_said(
    model: Path, tmp_path: Path, file: str, change: dict[str, Any], said: str
) -> None:
    data = examples(tmp_path / "data", "cross-lingual-transfer")
    content = {**read(data / file), **change} if file == "task.json" else change
    (data / file).write_text(json.dumps(content, ensure_ascii=False))
    with pytest.raises(BadInput, match=said):
        FineTuning.of(model, data, tiny_task.QUICK, Team())


@pytest.mark.parametrize("world", [1, 2, 4])
@pytest.mark.parametrize("micro", [None, 4, 2])
def test_the_schedule_has_the_steps_of_any_number_of_processes_and_micro_batches(
    model: Path, home: Path, world: int, micro: int | None
) -> None:
    settings = replace(tiny_task.QUICK, num_train_epochs=2.5, micro_batch_size=micro, warmup_ratio=0.1)
    course = FineTuning.of(model, home / "data", settings, Team(world=world)).course
    assert course.steps == 50, "320 examples in steps of 16, two and a half times"
    rates = [course.schedule(step) for step in range(1, 51)]
    assert rates.index(max(rates)) == 4 and rates[-1] == 0 and rates[-2] > 0


def test_settings_of_xnli_are_the_published_ones_unless_given() -> None:
    chosen = defaults.resolved(FinetuneRecipe(batch_size=32), "sequence_classification", "xnli", {"batch_size"})
    assert (chosen.learning_rate, chosen.warmup_ratio, chosen.weight_decay) == (5e-5, 0.1, 0.0)
    assert (chosen.layer_decay, chosen.classifier_dropout, chosen.max_seq_len) == (0.8, 0.1, 256)
    assert (chosen.num_train_epochs, chosen.batch_size) == (5.0, 32)


def test_layers_learn_at_the_published_shares_of_the_rate() -> None:
    factor = optimiser.layer_factors(12, 0.8)
    assert factor is not None
    found = {name: round(factor(name), 3) for name in (
        "ernie_m.embeddings.word_embeddings.weight", "ernie_m.embeddings.layer_norm.bias",
        "ernie_m.encoder.layers.0.linear1.weight", "ernie_m.encoder.layers.11.norm2.bias",
        "ernie_m.pooler.dense.weight", "classifier.weight",
    )}  # fmt: skip
    assert list(found.values()) == [0.055, 0.055, 0.069, 0.8, 1.0, 1.0]


def test_the_dropout_before_the_classifier_is_a_setting(model: Path, home: Path) -> None:
    settings = replace(tiny_task.QUICK, classifier_dropout=0.25, hidden_dropout_prob=0.0)
    assert FineTuning.of(model, home / "data", settings, Team()).net.dropout == 0.25


def test_averages_of_the_published_table_are_those_of_its_rows() -> None:
    for table in xnli_report.PUBLISHED.values():
        for model, figures in table:
            assert len(figures) == 16, model
            assert np.mean(figures[:15]) == pytest.approx(figures[15], abs=0.11), model
