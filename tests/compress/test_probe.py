"""What an exported model is compared with: its source, and what it said where it was made. Of any task."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from compress import joint_task

from ernie_core.compress import export, inference, probe, strategies
from ernie_core.errors import BadInput, Refused
from ernie_core.serve import engines, evaluation, manifest, package
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks import task
from ernie_core.tasks.sequence_classification import SequenceClassification
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.basics import SPECIALS
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

QUESTIONS = ["好，坏，天地人", "你我他", "火，风，山，水", ""]


def saying(change: Callable[[np.ndarray], np.ndarray]) -> Predictor:
    """A classifier whose logits are those of a source, changed."""

    def run(input_ids: np.ndarray, token_type_ids: np.ndarray) -> list[np.ndarray]:
        return [change(np.stack([input_ids.sum(axis=1), token_type_ids.sum(axis=1)], axis=1).astype(np.float32))]

    labelled = SequenceClassification(16, ("bad", "good"), text_pair=False)
    return Predictor(labelled, WordPieceTokenizer((*SPECIALS, "好")), run)


@pytest.fixture
def _joint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "find", lambda name: {"joint": joint_task.Joint}[name])


def build(finetuned: Path, out: Path, strategy: strategies.Name) -> dict[str, float]:
    scratch = out.with_name(f"{out.name}-scratch")
    out.mkdir()
    scratch.mkdir()
    return inference.build(finetuned, finetuned, out, scratch, strategy=strategy)


def test_outputs_that_are_off_or_of_another_shape_are_refused() -> None:
    source = saying(lambda logits: logits)
    probe.check(source, source, "export")
    with pytest.raises(Refused, match=r"export: logits are off by 0\.5, at most 0\.1 is allowed"):
        probe.check(saying(lambda logits: logits + 0.5), source, "export", 0.1)
    with pytest.raises(Refused, match="off by nan"):
        probe.check(saying(lambda logits: logits * np.nan), source, "export")
    with pytest.raises(Refused, match=r"logits of shapes \[1, 1, 1, 1\], the source has \[2, 2, 2, 2\]"):
        probe.check(saying(lambda logits: logits[:, :1]), source, "export")


def test_the_tolerance_is_twice_what_the_model_is_off_and_not_below_that_of_its_strategy() -> None:
    source = saying(lambda logits: logits)
    assert probe.probed(saying(lambda logits: logits + 0.25), source, 0.1).tolerance == 0.5
    assert probe.probed(saying(lambda logits: logits + 0.25), source, 0.9).tolerance == 0.9


@pytest.mark.usefixtures("_joint")
@pytest.mark.parametrize("strategy", strategies.STRATEGIES)
def test_a_task_with_rows_and_outputs_of_any_shape_goes_all_the_way(tmp_path: Path, strategy: strategies.Name) -> None:
    finetuned, out = joint_task.finetuned(tmp_path), tmp_path / "out"
    scores = build(finetuned, out, strategy)
    assert {"intent_accuracy", "intent_accuracy_fp32", "agreement"} <= scores.keys()
    said = json.loads((out / "serving.json").read_text())
    assert [len(row) for row in said["probe"]["logits"]] == [2 + 3 * tokens for tokens in (5, 3, 3, 5, 6, 3)]

    learned = task.read(finetuned)
    net = partial(export.ask, export.opened(finetuned, learned))
    source = Predictor(learned, tokenizers.open(finetuned), net)
    wanted = source.predict(QUESTIONS)
    assert [len(answer.slots) for answer in wanted] == [3 + 3 + 5, 5, 3 * 4, 2]
    for engine in ("onnxruntime", "fastdeploy"):
        for size in (1, 3, 32):
            predictor = Predictor.open(out, engine=engine, batch_size=size)
            assert [len(answer.slots) for answer in predictor.predict(QUESTIONS)] == [11, 5, 12, 2]
            if strategy == "none":
                assert predictor.predict(QUESTIONS) == wanted


@pytest.mark.usefixtures("_joint")
def test_such_a_task_is_evaluated_predicted_and_packed(tmp_path: Path) -> None:
    out, text = tmp_path / "out", tmp_path / "text"
    build(joint_task.finetuned(tmp_path), out, "none")
    predictor, done = Predictor.open(out, engine="onnxruntime", batch_size=1), []
    (out / "test.jsonl").touch()
    scores = evaluation.score(predictor, out, tmp_path, split="test", progress=lambda *a, **_: done.append(a))
    assert scores["examples"] == 15 and "intent_accuracy" in scores
    assert [count for count, *_ in done] == sorted(count for count, *_ in done) and done[-1][:2] == (15, 15)
    first, *others = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert first["id"] == "test-0" and first["intent"] == 0 and len(first["predicted"][1]) == 10 and len(others) == 14

    text.mkdir()
    (text / "a.txt").write_text("好，坏\n\n天\n", encoding="utf-8")
    assert evaluation.label(predictor, text, tmp_path) == {"examples": 2, "slots": 4.5}
    (tmp_path / "package").mkdir()
    package.build(out, None, tmp_path / "package", name="joint", version="1", lineage={})
    assert (
        "Joint with an ERNIE model, fp32, up to 16 tokens.\n\n    python -m ernie_core.serve FOLDER 'part，part'"
        in (tmp_path / "package" / "README.md").read_text(encoding="utf-8")
    )


@pytest.mark.usefixtures("_joint")
def test_an_engine_with_outputs_in_another_order_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    build(joint_task.finetuned(tmp_path), out, "none")
    right = engines.load(out / manifest.MODEL, "onnxruntime", (), 1)
    monkeypatch.setattr(engines, "load", lambda *_: lambda **inputs: right(**inputs)[::-1])
    with pytest.raises(BadInput, match="at batch size 1 the probe's intents and slots are off by"):
        Predictor.open(out)
