"""ERNIE-M from a task model to answers: its graph takes token ids alone, in int8 and float, and so do its packages."""

import json
from pathlib import Path

import numpy as np
import onnx
import paddle
import pytest
import tiny_task

from ernie_core.compress import export, inference, quantise
from ernie_core.errors import BadInput
from ernie_core.serve import evaluation, manifest, package
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks import task

IDS = np.array([[0, 5, 7, 8, 2, 1, 1], [0, 9, 9, 6, 7, 10, 2]])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 model; the data it learned from are in `data` beside it."""
    folder = tmp_path_factory.mktemp("ernie_m")
    finetuned = tiny_task.finetuned(folder, model_type="ernie_m")
    for name in ("inference", "scratch"):
        (folder / name).mkdir()
    scores = inference.build(finetuned, folder / "data", folder / "inference", folder / "scratch")
    assert scores["test_accuracy"] > 0.9 and scores["agreement"] > 0.9
    return folder / "inference"


def test_the_graphs_have_one_input_and_the_logits_of_the_net(exported: Path) -> None:
    finetuned = exported.with_name("finetuned")
    wanted = export.ask(export.opened(finetuned, task.read(finetuned)), input_ids=IDS)[0]
    found = paddle.jit.load(str(exported / "model"))(paddle.to_tensor(IDS)).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    graph = onnx.load(exported / "model.onnx")
    assert [given.name for given in graph.graph.input] == ["input_ids"]
    # words and positions; there are no types
    assert quantise.operators(graph)["DequantizeLinear"] == 2
    assert [said["name"] for said in manifest.read(exported).inputs] == ["input_ids"]


@pytest.mark.parametrize("engine", ["onnxruntime", "fastdeploy"])
def test_a_package_answers(exported: Path, tmp_path: Path, engine: str) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "report").mkdir()
    package.build(exported, None, tmp_path / "package", name="reviews", version="1", lineage={})
    opened = Predictor.open(tmp_path / "package", engine=engine)
    assert [answer.label for answer in opened.predict(["天地好人", "坏风"])] == ["positive", "negative"]
    assert evaluation.score(opened, exported.with_name("data"), tmp_path / "report", split="test")["accuracy"] > 0.9


def test_the_inputs_of_the_manifest_decide(exported: Path, tmp_path: Path) -> None:
    for name in ("labels.txt", "vocab.txt", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((exported / name).read_bytes())
    said = json.loads((exported / "serving.json").read_text(encoding="utf-8"))
    said["inputs"] = [{"name": "pixels", "dtype": "int64"}]
    (tmp_path / "serving.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(BadInput, match=r"damaged, .*pixels.* are not of input_ids, token_type_ids"):
        manifest.read(tmp_path)
