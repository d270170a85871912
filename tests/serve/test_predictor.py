"""Asking an exported model: right answers at every batch size, with every engine, and none from a damaged model."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from ernie_core.errors import BadInput, NotFound
from ernie_core.serve import engines
from ernie_core.serve.predictor import Predictor

TEXTS = ["天地好人", "坏风", "山水山水山水好火你我他", "我坏你"]
LABELS = ["positive", "negative", "positive", "negative"]


def copy(exported: Path, target: Path) -> Path:
    return Path(shutil.copytree(exported, target))


@pytest.mark.parametrize("engine", ["fastdeploy", "onnxruntime"])
@pytest.mark.parametrize("size", [1, 3, 32])
def test_labels_are_right_whatever_the_engine_and_the_batch(exported: Path, engine: str, size: int) -> None:
    predictor = Predictor.open(exported, engine=engine, batch_size=size)
    for part in (TEXTS[:1], TEXTS, TEXTS[:1]):
        found = predictor.predict(part)
        assert [p.label for p in found] == LABELS[: len(part)]
        for p in found:
            assert list(p.scores) == ["negative", "positive"]
            assert math.isclose(sum(p.scores.values()), 1)
            assert p.label == max(p.scores, key=lambda name: p.scores[name])


def test_the_engines_agree(exported: Path) -> None:
    first, second = (Predictor.open(exported, engine=name, batch_size=2) for name in engines.NAMES)
    np.testing.assert_allclose(first.outputs(TEXTS), second.outputs(TEXTS), atol=0.02)


def test_no_texts_an_empty_text_and_a_very_long_text_are_answered(exported: Path) -> None:
    predictor = Predictor.open(exported, engine="onnxruntime", batch_size=4)
    assert predictor.predict([]) == []
    empty, long, cut = predictor.predict(["", "好" + "天" * 100_000, "好" + "天" * 13])
    assert empty.label in LABELS
    assert long.label == "positive"
    assert long == cut


def test_a_model_of_pairs_answers_pairs_and_nothing_else(exported_pairs: Path, exported: Path) -> None:
    predictor = Predictor.open(exported_pairs, engine="onnxruntime")
    assert [p.label for p in predictor.predict([("天地", text) for text in TEXTS])] == LABELS
    with pytest.raises(BadInput, match="trained on pairs of texts, not on '好'"):
        predictor.predict(["好"])
    with pytest.raises(BadInput, match="trained on single texts"):
        Predictor.open(exported, engine="onnxruntime").predict([("好", "坏")])


def test_auto_says_on_stderr_which_engine_answers(exported: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Predictor.open(exported)
    assert "engine: fastdeploy" in capfd.readouterr().err.splitlines()


def test_auto_takes_the_next_engine_where_the_first_is_not_installed(
    exported: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engines, "_installed", lambda name: name != "fastdeploy")
    Predictor.open(exported)
    assert "engine: onnxruntime" in capfd.readouterr().err.splitlines()
    with pytest.raises(BadInput, match="engine `fastdeploy` is not installed here"):
        Predictor.open(exported, engine="fastdeploy")


def test_an_unknown_engine_is_refused_with_the_choice(exported: Path) -> None:
    with pytest.raises(BadInput, match="`tensorrt` is not known, choose from: auto, fastdeploy, onnxruntime"):
        Predictor.open(exported, engine="tensorrt")


@pytest.mark.parametrize("engine", ["fastdeploy", "onnxruntime"])
def test_a_changed_weight_fails_the_check_at_the_start(exported: Path, tmp_path: Path, engine: str) -> None:
    folder = copy(exported, tmp_path / "model")
    model = onnx.load(folder / "model.onnx")
    bias = next(t for t in model.graph.initializer if t.name.endswith(".b_0") and t.dims == [2])
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + np.float32([1.0, 0.0]), bias.name))
    onnx.save(model, folder / "model.onnx")
    with pytest.raises(BadInput, match=r"at batch size 1 the probe's logits are off by"):
        Predictor.open(folder, engine=engine)


def test_an_engine_that_goes_wrong_in_batches_only_is_caught(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = engines.load(exported / "model.onnx", "onnxruntime", (), 1)

    def wrong(input_ids: np.ndarray, token_type_ids: np.ndarray) -> list[np.ndarray]:
        (logits,) = right(input_ids=input_ids, token_type_ids=token_type_ids)
        return [logits + (0.5 if len(input_ids) > 1 else 0)]

    monkeypatch.setattr(engines, "load", lambda *_: wrong)
    with pytest.raises(BadInput, match=r"at batch size 4 the probe's logits are off by 0\.5"):
        Predictor.open(exported)


def test_an_output_that_is_no_number_is_caught(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = engines.load(exported / "model.onnx", "onnxruntime", (), 1)

    def wrong(**inputs: np.ndarray) -> list[np.ndarray]:
        (logits,) = right(**inputs)
        logits[-1, 0] = np.nan
        return [logits]

    monkeypatch.setattr(engines, "load", lambda *_: wrong)
    with pytest.raises(BadInput, match=r"the probe's logits are off by nan"):
        Predictor.open(exported)


def test_another_vocabulary_fails_the_check_at_the_start(exported: Path, tmp_path: Path) -> None:
    folder = copy(exported, tmp_path / "model")
    lines = (folder / "vocab.txt").read_text().splitlines()
    (folder / "vocab.txt").write_text("\n".join([*lines[:5], *reversed(lines[5:])]) + "\n")
    with pytest.raises(BadInput, match="the probe's logits are off"):
        Predictor.open(folder, engine="onnxruntime")


def test_a_label_more_or_less_is_refused(exported: Path, tmp_path: Path) -> None:
    folder = copy(exported, tmp_path / "model")
    (folder / "labels.txt").write_text("a\nb\nc\n")
    with pytest.raises(BadInput, match="2 logits for 3 labels"):
        Predictor.open(folder, engine="onnxruntime")


def test_what_is_no_exported_model_is_said(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no exported model or package"):
        Predictor.open(tmp_path)
    folder = copy(exported, tmp_path / "model")
    said = json.loads((folder / "serving.json").read_text())
    (folder / "serving.json").write_text(json.dumps({**said, "format": 9}))
    with pytest.raises(BadInput, match="another format than 1"):
        Predictor.open(folder)
    (folder / "serving.json").write_text(json.dumps({**said, "probe": {}}))
    with pytest.raises(BadInput, match="damaged"):
        Predictor.open(folder)
    (folder / "serving.json").write_text(json.dumps({key: said[key] for key in said if key != "text_pair"}))
    with pytest.raises(BadInput, match="damaged"):
        Predictor.open(folder)
    (folder / "serving.json").write_text(json.dumps({**said, "task": "parsing"}))
    with pytest.raises(BadInput, match="task `parsing` is not known, choose from: sequence_classification"):
        Predictor.open(folder)
    (folder / "serving.json").write_text(json.dumps(said))
    (folder / "model.onnx").write_bytes(b"none")
    with pytest.raises(BadInput, match="cannot load it"):
        Predictor.open(folder, engine="onnxruntime")
