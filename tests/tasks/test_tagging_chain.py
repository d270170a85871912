"""Token classification and joint intent and slots: from labelled rows to answers of the exported model."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import tiny_tags
import tiny_task

from ernie_core.compress import inference
from ernie_core.serve import evaluation
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.recipe import FinetuneRecipe

MAIN = {"token_classification": "f1", "joint_intent_slots": "accuracy"}


@pytest.mark.parametrize("task", MAIN)
def test_it_learns_is_exported_is_evaluated_and_answers(task: str, tmp_path: Path) -> None:
    model, data = tiny_task.model(tmp_path / "model"), tiny_tags.data(tmp_path / "data", task)
    folders = {name: tmp_path / name for name in ("finetuned", "inference", "scratch", "report", "plain")}
    for folder in folders.values():
        folder.mkdir()
    recipe = FinetuneRecipe(**tiny_tags.QUICK)
    main = MAIN[task]
    assert finetune(model, data, folders["finetuned"], recipe)[f"test_{main}"] > 0.9

    scores = inference.build(folders["finetuned"], data, folders["inference"], folders["scratch"])
    assert scores[f"{main}_fp32"] > 0.9 and scores["agreement"] > 0.8
    plain = inference.build(folders["finetuned"], data, folders["plain"], folders["scratch"], strategy="none")
    assert plain[main] == plain[f"{main}_fp32"] and plain["agreement"] == 1.0

    predictor = Predictor.open(folders["inference"], engine="onnxruntime")
    measured = evaluation.score(predictor, data, folders["report"], split="test")
    assert measured[main] > 0.8
    lines = [json.loads(line) for line in (folders["report"] / "predictions.jsonl").read_text("utf-8").splitlines()]
    assert [line["id"] for line in lines] == [row["id"] for row in tiny_tags.rows(data, "test")]
    answers: Mapping[str, object] = {
        "token_classification": [
            {"type": "PER", "start": 2, "end": 4, "text": "你我"},
            {"type": "LOC", "start": 6, "end": 7, "text": "山"},
        ],
        "joint_intent_slots": {
            "intent": "go",
            "slots": [
                {"slot": "PER", "entity": "你我", "pos": [2, 3]},
                {"slot": "LOC", "entity": "山", "pos": [6, 6]},
            ],
        },
    }
    (answer,) = predictor.predict(["坏天你我 地山"])
    assert answer.row()["predicted"] == answers[task]
    assert json.loads(json.dumps(answer.row())) == answer.row()
