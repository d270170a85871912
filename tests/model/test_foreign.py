"""Checkpoints of others become our models: the same numbers, whatever the form."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest

from ernie_core import errors
from ernie_core.model import config as configs
from ernie_core.model import foreign, weights
from ernie_core.model.arrays import read_arrays
from ernie_core.model.foreign import expected
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.text import tokenizer
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer
from tests.support import foreign_models as made

IDS = np.array([[1, 7, 8, 9, 2, 0, 0], [1, 5, 2, 6, 7, 8, 2]])
TYPES = np.array([[0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 1]])
ERNIE = made.CONFIG | {
    "model_type": "ernie", "use_task_id": True, "task_type_vocab_size": 3, "type_vocab_size": 4, "hidden_act": "relu",
    "max_position_embeddings": 2048, "layer_norm_eps": 1e-5,
}  # fmt: skip


def opened(folder: Path) -> ErnieForPretraining:
    net = ErnieForPretraining(configs.read(folder))
    assert weights.start_from(net, folder) == ()
    net.eval()
    return net


def same_logits(out: Path, config: dict[str, Any], arrays: made.Arrays, tolerance: float = 1e-5) -> None:
    words, order = opened(out)(paddle.to_tensor(IDS), paddle.to_tensor(TYPES))
    wanted = made.logits(config, arrays, IDS, TYPES)
    tokens = IDS != 0  # what a net computes at padding is nobody's business
    assert np.abs(words.numpy() - wanted[0])[tokens].max() < tolerance
    assert np.abs(order.numpy() - wanted[1]).max() < tolerance


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.mark.parametrize("config", [made.CONFIG, ERNIE], ids=["bert", "ernie"])
def test_a_checkpoint_of_hugging_face_computes_here_what_it_computed_there(
    tmp_path: Path, out: Path, config: dict[str, Any]
) -> None:
    arrays = made.bert(config)
    figures = foreign.convert(made.folder(tmp_path / "hf", config, arrays), out)
    same_logits(out, config, arrays)
    assert tokenizer.open(out).vocab == made.TOKENS
    assert figures["parameters"] == sum(array.size for array in arrays.values())
    assert (figures["layers"], figures["hidden_size"], figures["vocab_size"]) == (2, 32, 50)


def test_old_names_of_layer_norms_and_bare_encoders_are_read(tmp_path: Path, out: Path) -> None:
    arrays = made.bert(made.CONFIG)
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): array
        for name, array in arrays.items()
    }
    old["bert.embeddings.position_ids"] = np.arange(16, dtype=np.float32)[None]
    foreign.convert(made.folder(tmp_path / "old", made.CONFIG, old), out)
    same_logits(out, made.CONFIG, arrays)
    encoder = {name.removeprefix("bert."): array for name, array in arrays.items() if name.startswith("bert.")}
    foreign.convert(made.folder(tmp_path / "bare", made.CONFIG, encoder), out)
    names = read_arrays(out / weights.FILE)
    assert json.loads((out / "config.json").read_text())["architectures"] == ["ErnieModel"]
    assert all(name.startswith("ernie.") for name in names)


def narrowed(array: np.ndarray, kind: str) -> np.ndarray:
    if kind == "BF16":
        return (array.view(np.uint32) >> 16).astype(np.uint16)
    return array.astype({"F16": "<f2", "F64": "<f8"}[kind])


@pytest.mark.parametrize("kind", ["F16", "BF16", "F64"])
def test_other_precisions_become_float32(tmp_path: Path, out: Path, kind: str) -> None:
    arrays = made.bert(made.CONFIG)
    rounded = {name: narrowed(array, kind) for name, array in arrays.items()}
    folder = made.folder(tmp_path / "hf", made.CONFIG, arrays)
    header, data = dict[str, Any](), b""
    for name, array in rounded.items():
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": offsets}
        data += array.tobytes()
    (folder / "model.safetensors").write_bytes(made.raw(header, data))
    foreign.convert(folder, out)
    found = read_arrays(out / weights.FILE)["ernie.pooler.dense.weight"]
    assert found.dtype == np.float32
    assert np.allclose(found, arrays["bert.pooler.dense.weight"].T, rtol=2**-7, atol=1e-6)
    assert np.array_equal(found, arrays["bert.pooler.dense.weight"].T) == (kind == "F64")


def test_bfloat16_of_paddle_becomes_float32(tmp_path: Path, out: Path) -> None:
    config = configs.shape("2L32H4", 50)
    paddle.seed(1)
    net = ErnieForPretraining(config)
    net.to(dtype="bfloat16")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    weights.save(net, theirs)  # the config, and the weights as float32
    wanted = read_arrays(theirs / weights.FILE)
    WordPieceTokenizer(made.TOKENS).save(theirs)
    paddle.save(net.state_dict(), str(theirs / weights.FILE))
    assert read_arrays(theirs / weights.FILE)["ernie.pooler.dense.bias"].dtype == np.uint16
    foreign.convert(theirs, out)
    found = read_arrays(out / weights.FILE)
    assert found.keys() == wanted.keys() and all(np.array_equal(found[name], wanted[name]) for name in wanted)
    again = ErnieForPretraining(config)
    weights.load(again, theirs)
    assert np.array_equal(again.ernie.pooler.dense.weight.numpy(), wanted["ernie.pooler.dense.weight"])


def test_shards_are_read_by_their_index(tmp_path: Path, out: Path) -> None:
    arrays = made.bert(made.CONFIG)
    folder = made.folder(tmp_path / "hf", made.CONFIG, arrays)
    sharded(folder, arrays)
    foreign.convert(folder, out)
    same_logits(out, made.CONFIG, arrays)


def sharded(folder: Path, arrays: made.Arrays) -> dict[str, str]:
    """Two files and an index instead of one; the index."""
    names = sorted(arrays)
    halves = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in halves.items():
        (folder / file).write_bytes(made.safetensors({name: arrays[name] for name in part}))
    where = {name: file for file, part in halves.items() for name in part}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    (folder / "model.safetensors").unlink()
    return where


@pytest.mark.parametrize("old", [False, True], ids=["config.json", "model_config.json"])
def test_a_folder_of_paddlenlp_keeps_its_bits(tmp_path: Path, out: Path, old: bool) -> None:
    paddle.seed(1)
    config = configs.shape("2L32H4", 50)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    weights.save(ErnieForPretraining(config), theirs)
    WordPieceTokenizer(made.TOKENS).save(theirs)
    if old:
        (theirs / "config.json").unlink()
        inner = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
                 "intermediate_size": 128, "init_class": "ErnieModel"}  # fmt: skip
        text = json.dumps({"init_args": [inner], "init_class": "ErnieForPretraining"})
        (theirs / "model_config.json").write_text(text)
    foreign.convert(theirs, out)
    before, after = (read_arrays(folder / weights.FILE) for folder in (theirs, out))
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert configs.read(out) == config


def test_safetensors_of_paddlenlp_are_not_transposed(tmp_path: Path, out: Path) -> None:
    config = configs.shape("2L32H4", 50)
    net = ErnieForPretraining(config)
    arrays = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    theirs = made.folder(tmp_path / "theirs", {}, arrays)
    configs.write(config, theirs, "ErnieForPretraining")
    foreign.convert(theirs, out)
    found = read_arrays(out / weights.FILE)
    assert found.keys() == arrays.keys() and all(np.array_equal(found[name], arrays[name]) for name in arrays)


def test_two_values_for_one_parameter_are_refused(tmp_path: Path, out: Path) -> None:
    arrays = made.bert(made.CONFIG)
    words = arrays["bert.embeddings.word_embeddings.weight"]
    same = arrays | {
        "cls.predictions.decoder.weight": words,
        "cls.predictions.decoder.bias": arrays["cls.predictions.bias"],
    }
    foreign.convert(made.folder(tmp_path / "tied", made.CONFIG, same), out)
    same_logits(out, made.CONFIG, arrays)
    for name, fault in (("weight", "has weights of its own"), ("bias", "one parameter with two different values")):
        other = same | {f"cls.predictions.decoder.{name}": same[f"cls.predictions.decoder.{name}"] + 1}
        with pytest.raises(errors.BadInput, match=fault):
            foreign.convert(made.folder(tmp_path / name, made.CONFIG, other), out)


def test_a_checkpoint_is_converted_in_less_memory_than_it_has(tmp_path: Path, out: Path) -> None:
    config = made.CONFIG | {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 24}
    folder = made.folder(tmp_path / "hf", config, made.bert(config))
    size = (folder / "model.safetensors").stat().st_size
    tracemalloc.start()
    foreign.convert(folder, out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 70 << 20 and peak < size / 8


def test_a_checkpoint_of_masked_tokens_gets_a_pooler_always_the_same(tmp_path: Path, out: Path) -> None:
    arrays = {name: array for name, array in made.bert(made.CONFIG).items() if "pooler" not in name}
    files = []
    for name in ("one", "two"):
        assert foreign.convert(made.folder(tmp_path / name, made.CONFIG, arrays), out)["drawn"] == 2
        files.append((out / weights.FILE).read_bytes())
    assert files[0] == files[1]
    pooler = read_arrays(out / weights.FILE)["ernie.pooler.dense.weight"]
    assert 0.01 < pooler.std() < 0.03


def test_heads_of_tasks_are_left_out_and_counted(tmp_path: Path, out: Path) -> None:
    arrays = made.bert(made.CONFIG) | {"classifier.weight": np.ones((3, 32), np.float32)}
    assert foreign.convert(made.folder(tmp_path / "hf", made.CONFIG, arrays), out)["left_out"] == 1
    assert "classifier.weight" not in read_arrays(out / weights.FILE)


def test_the_parameters_that_are_expected_are_those_of_our_nets() -> None:
    config = configs.shape("2L32H4", 50, use_task_id=True, type_vocab_size=4)
    wanted = {f"ernie.{name}": shape for name, shape in expected.encoder(config).items()}
    wanted |= expected.masked_tokens(config) | expected.order(config)
    found = {name: tuple(tensor.shape) for name, tensor in ErnieForPretraining(config).state_dict().items()}
    again = {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}
    assert {name: shape for name, shape in found.items() if name not in again} == wanted


@pytest.mark.parametrize("file", ["model.ckpt.index", "tf_model.h5", "flax_model.msgpack"])
def test_other_frameworks_are_refused_with_a_word(tmp_path: Path, out: Path, file: str) -> None:
    folder = made.folder(tmp_path / "tf", made.CONFIG, {})
    (folder / "model.safetensors").rename(folder / file)
    with pytest.raises(errors.BadInput, match="cannot be read: take this model's files of PyTorch or PaddleNLP"):
        foreign.convert(folder, out)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "roberta"}, "model_type is `roberta`, which no net here computes"),
        ({"position_embedding_type": "relative_key"}, "only `absolute` can be read"),
        ({"hidden_act": "gelu_new"}, "hidden_act `gelu_new` is not known"),
        ({"num_hidden_layers": 10**9}, "must be a whole number from 1 to 1,000"),
        ({"vocab_size": "50"}, "must be a whole number"),
        ({"layer_norm_eps": "small"}, "layer_norm_eps is `small`, it must be from 0 to 1"),
        ({"pad_token_id": [0]}, "pad_token_id is"),
        ({"model_type": ["bert"]}, "which no net here computes"),
        ({"model_type": None, "architectures": ["GPT2Model"]}, "model_type is `GPT2Model`"),
    ],
)
def test_what_our_nets_do_not_compute_is_refused(tmp_path: Path, out: Path, change: dict[str, Any], words: str) -> None:
    folder = made.folder(tmp_path / "hf", made.CONFIG | change, made.bert(made.CONFIG))
    with pytest.raises(errors.BadInput, match=words):
        foreign.convert(folder, out)
