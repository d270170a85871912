"""From a fine-tuned model to a folder that is served: the same answers, smaller, and the same bytes each time."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import paddle
import pytest
import tiny_task

from ernie_core.compress import export, fold, inference, quantise, strategies
from ernie_core.errors import BadInput, NotFound, Refused, Stopped
from ernie_core.serve import engines
from ernie_core.tasks import task

IDS = np.random.default_rng(0).integers(5, 15, (6, 12))
IDS[2, 5:] = 0
TYPES = np.zeros_like(IDS)


def build(finetuned: Path, out: Path, strategy: strategies.Name = "int8") -> dict[str, float]:
    scratch = out.with_name(f"{out.name}-scratch")
    out.mkdir()
    scratch.mkdir()
    return inference.build(finetuned, finetuned.with_name("data"), out, scratch, strategy=strategy)


def logits(model: Path) -> np.ndarray:
    return engines.load(model, "onnxruntime", (), 1)(input_ids=IDS, token_type_ids=TYPES)[0]


def wanted(finetuned: Path) -> np.ndarray:
    net = export.opened(finetuned, task.read(finetuned))
    return export.ask(net, input_ids=IDS, token_type_ids=TYPES)[0]


@pytest.fixture(scope="module")
def exported(finetuned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export.to_static(finetuned, task.read(finetuned), folder)
    export.to_onnx(folder, folder / "model.onnx")
    return folder


def test_the_exported_model_has_the_logits_of_the_net_with_padding_too(finetuned: Path, exported: Path) -> None:
    np.testing.assert_allclose(logits(exported / "model.onnx"), wanted(finetuned), atol=1e-5)


def test_the_static_graph_has_the_logits_of_the_net(finetuned: Path, exported: Path) -> None:
    found = paddle.jit.load(str(exported / "model"))(paddle.to_tensor(IDS), paddle.to_tensor(TYPES)).numpy()
    np.testing.assert_allclose(found, wanted(finetuned), atol=1e-5)


def test_no_file_says_where_it_was_made(exported: Path) -> None:
    for path in exported.iterdir():
        assert not re.search(rb"site-packages|\.py\b", path.read_bytes()), path.name


def test_the_padding_mask_is_no_second_table(exported: Path) -> None:
    model = onnx.load(exported / "model.onnx")
    assert not [node for node in model.graph.node if node.op_type == "Constant"]
    assert [tuple(t.dims) for t in model.graph.initializer].count((19, 16)) == 1


def test_int8_quantises_every_matrix_and_table(exported: Path, tmp_path: Path) -> None:
    quantise.to_int8(exported / "model.onnx", tmp_path / "int8.onnx")
    model = onnx.load(tmp_path / "int8.onnx")
    found = quantise.operators(model)
    # 6 in each of 2 layers, the pooler, the classifier; words, positions, types
    assert found["MatMulInteger"] == 14
    assert found["DequantizeLinear"] == 3
    assert {entry.domain for entry in model.opset_import} == {""}
    np.testing.assert_allclose(logits(tmp_path / "int8.onnx"), logits(exported / "model.onnx"), atol=0.3)


def test_a_model_in_which_nothing_can_be_quantised_is_refused(tmp_path: Path) -> None:
    node = onnx.helper.make_node("MatMul", ["a", "b"], ["c"])
    a, b, c = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [2, 2]) for n in "abc")
    graph = onnx.helper.make_graph([node], "no weights", [a, b], [c])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)]), tmp_path / "in.onnx")
    with pytest.raises(Refused, match="the result is not int8"):
        quantise.to_int8(tmp_path / "in.onnx", tmp_path / "out.onnx")


def test_an_exporter_that_dies_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "model.pdmodel").write_bytes(b"no graph")
    (tmp_path / "model.pdiparams").write_bytes(b"")
    with pytest.raises(Refused, match=r"paddle2onnx could not export model.pdmodel \(exit code"):
        export.to_onnx(tmp_path, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_the_folder_holds_all_that_serving_needs_and_its_scores(finetuned: Path, tmp_path: Path) -> None:
    scores = build(finetuned, tmp_path / "a")
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        "model.onnx", "model.pdmodel", "model.pdiparams", "vocab.txt", "tokenizer_config.json",
        "special_tokens_map.json", "labels.txt", "serving.json", "metrics.json",
    }  # fmt: skip
    assert scores["accuracy_fp32"] > 0.9
    assert abs(scores["accuracy"] - scores["accuracy_fp32"]) <= 0.1
    assert scores["test_agreement"] >= 0.9
    assert scores["p50_ms"] > 0
    written = json.loads((tmp_path / "a" / "metrics.json").read_text())
    assert written == {key: value for key, value in scores.items() if "p50" not in key} | {"strategy": "int8"}


@pytest.mark.parametrize("strategy", strategies.STRATEGIES)
def test_the_same_model_gives_the_same_bytes(finetuned: Path, tmp_path: Path, strategy: strategies.Name) -> None:
    for name in ("a", "b"):
        build(finetuned, tmp_path / name, strategy)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_without_quantisation_the_folded_float_model_is_served(finetuned: Path, tmp_path: Path) -> None:
    scores = build(finetuned, tmp_path / "a", "none")
    assert scores["agreement"] == 1
    assert "MatMulInteger" not in quantise.operators(onnx.load(tmp_path / "a" / "model.onnx"))
    assert fold.unused_domains(onnx.load(tmp_path / "a" / "model.onnx")) == onnx.load(tmp_path / "a" / "model.onnx")


def test_other_labels_than_the_models_are_refused(finetuned: Path, tmp_path: Path) -> None:
    other = tiny_task.task_data(tmp_path / "data")
    (other / "labels.txt").write_text("positive\nnegative\n")
    (tmp_path / "out").mkdir()
    with pytest.raises(BadInput, match="the labels are positive, negative, the model's are negative, positive"):
        inference.build(finetuned, other, tmp_path / "out", tmp_path)


def test_a_stop_and_a_folder_without_a_task_are_said(finetuned: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(Stopped):
        inference.build(finetuned, None, tmp_path / "out", tmp_path, stop=lambda: True)
    with pytest.raises(NotFound, match=r"task\.json: no such file, this folder holds no fine-tuned model"):
        inference.build(finetuned.with_name("model"), None, tmp_path / "out", tmp_path)
