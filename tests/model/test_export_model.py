"""Models in the form of others: PaddleNLP and transformers open them and compute the same."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest

from ernie_core import errors
from ernie_core.model import config as configs
from ernie_core.model import foreign, heads, weights
from ernie_core.model.arrays import read_arrays, write_arrays
from ernie_core.model.config import ErnieConfig
from ernie_core.model.foreign import exporting
from ernie_core.text import vocabulary_file
from ernie_core.text.sentencepiece import model as sentencepiece
from ernie_core.text.sentencepiece.tokenizer import SentencePieceTokenizer
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer
from tests.support import foreign_models, real_data

ROOT = Path(__file__).parents[2]
TEXTS = (
    "东西不错，不过有人不太喜欢镜面的", "Hello, Wörld! ÀÉ", "2026年11月30日 12:30", "房间😀不错\t只是 上网慢",
    "\uff46\uff55\uff4c\uff4c \uff37\uff29\uff24\uff34\uff28", "", "a" * 99, "\u00bc \u00bd \u2026 \u201cquoted\u201d",
)  # fmt: skip
"""Chinese, accents, numbers, emoji, full width, fractions and quotes."""
ERNIE = configs.shape(
    "2L32H4", 50, hidden_act="relu", use_task_id=True, type_vocab_size=4, max_position_embeddings=2048
)


def saved(folder: Path, config: ErnieConfig, net: paddle.nn.Layer | None = None) -> paddle.nn.Layer:
    """A model with random weights, biases and norms among them."""
    folder.mkdir()
    paddle.seed(1)
    net = net or heads.ErnieForPretraining(config, binary_head=config.model_type == "ernie")
    for parameter in net.parameters():
        parameter.set_value(paddle.randn(parameter.shape) * 0.2)
    net.eval()
    weights.save(net, folder)
    if config.model_type == "ernie":
        WordPieceTokenizer(foreign_models.TOKENS).save(folder)
    return net


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of a small tokenizer of ERNIE-M."""
    from sentencepiece import SentencePieceTrainer

    folder = tmp_path_factory.mktemp("pieces")
    text = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    with (folder / "sentencepiece.bpe.model").open("wb") as f:
        SentencePieceTrainer.train(
            sentence_iterator=iter(text), model_writer=f, vocab_size=200, hard_vocab_limit=False, minloglevel=2
        )
    known = sentencepiece.read(folder / "sentencepiece.bpe.model").pieces
    vocabulary_file.write(("[CLS]", "[PAD]", "[SEP]", "[UNK]", *known[3:], "[MASK]"), folder / "vocab.txt")
    SentencePieceTokenizer.from_folder(folder).save(folder)
    return folder


def multilingual(folder: Path, pieces: Path) -> paddle.nn.Layer:
    """A random ERNIE-M with that tokenizer."""
    made = SentencePieceTokenizer.from_folder(pieces)
    net = saved(folder, configs.shape("2L32H4", made.size, model_type="ernie_m"))
    made.save(folder)
    return net


def exported(model: Path, to: exporting.Form) -> Path:
    out = model.with_name(f"{model.name}_{to}")
    out.mkdir()
    figures = exporting.export(model, out, to)
    assert figures["layers"] == 2 and figures["parameters"] > 0
    return out


def ids(config: ErnieConfig) -> np.ndarray:
    draw = np.random.default_rng(0)
    rows = draw.integers(4, 50, (2, 9))
    rows[0, 6:] = config.pad_token_id
    return rows


def test_what_hugging_face_gets_comes_back_with_the_same_bits(tmp_path: Path) -> None:
    saved(tmp_path / "model", ERNIE)
    out = exported(tmp_path / "model", "hf")
    back = tmp_path / "back"
    back.mkdir()
    foreign.convert(out, back)
    before, after = (read_arrays(folder / weights.FILE) for folder in (tmp_path / "model", back))
    assert before.keys() == after.keys() and all(np.array_equal(before[name], after[name]) for name in before)
    for file in ("config.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json"):
        assert (back / file).read_bytes() == (tmp_path / "model" / file).read_bytes(), file


def test_an_ernie_m_comes_back_as_xlm_r_with_the_same_bits(tmp_path: Path, pieces: Path) -> None:
    multilingual(tmp_path / "model", pieces)
    out, back = exported(tmp_path / "model", "hf"), tmp_path / "back"
    (out / "vocab.txt").unlink()  # as XLM-R is published: its vocabulary follows from the model of its tokenizer
    back.mkdir()
    foreign.convert(out, back)
    before, after = (read_arrays(folder / weights.FILE) for folder in (tmp_path / "model", back))
    assert before.keys() == after.keys() and all(np.array_equal(before[name], after[name]) for name in before)
    assert configs.read(back) == configs.read(tmp_path / "model")
    assert (back / "vocab.txt").read_bytes() == (pieces / "vocab.txt").read_bytes()


@pytest.mark.parametrize("padding", [0, 1, 5])
def test_xlm_r_counts_positions_from_where_ernie_m_does(tmp_path: Path, pieces: Path, padding: int) -> None:
    """XLM-R begins at pad_token_id + 1, ERNIE-M always at 2."""
    multilingual(tmp_path / "model", pieces)
    config = configs.read(tmp_path / "model")
    configs.write(replace(config, pad_token_id=padding), tmp_path / "model", "ErnieMForPretraining")
    said = json.loads((exported(tmp_path / "model", "hf") / "config.json").read_text())
    assert said["pad_token_id"] + 1 == config.offset


def test_an_ernie_m_with_another_padding_in_its_vocabulary_is_no_xlm_r(tmp_path: Path, pieces: Path) -> None:
    multilingual(tmp_path / "model", pieces)
    tokens = (tmp_path / "model" / "vocab.txt").read_text(encoding="utf-8").split("\n")
    tokens[1], tokens[3] = tokens[3], tokens[1]
    (tmp_path / "model" / "vocab.txt").write_text("\n".join(tokens), encoding="utf-8")
    with pytest.raises(errors.BadInput, match=r"the id of \[PAD\] is 3 in its vocabulary"):
        exported(tmp_path / "model", "hf")


OLD = {
    "init_args": [{"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
                   "intermediate_size": 128, "init_class": "ErnieModel"}],
    "init_class": "ErnieForPretraining",
}  # fmt: skip
"""The `model_config.json` of an old version of PaddleNLP."""


@pytest.mark.parametrize("to", ["hf", "paddlenlp"])
def test_a_folder_of_an_old_paddlenlp_is_exported(tmp_path: Path, to: exporting.Form) -> None:
    model, config = tmp_path / "model", configs.shape("2L32H4", 50)
    saved(model, config)
    (model / "config.json").unlink()
    (model / "model_config.json").write_text(json.dumps(OLD))
    arrays = read_arrays(model / weights.FILE)
    old = {name.replace("predictions.decoder.weight", "predictions.decoder_weight"): a for name, a in arrays.items()}
    write_arrays(old, model / weights.FILE)
    out, back = exported(model, to), tmp_path / "back"
    back.mkdir()
    foreign.convert(out, back)
    found = read_arrays(back / weights.FILE)
    assert found.keys() == arrays.keys() and all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert configs.read(back) == config
    wanted = {"hf": "ErnieForPreTraining", "paddlenlp": "ErnieForPretraining"}[to]
    assert json.loads((out / "config.json").read_text())["architectures"] == [wanted]


def test_a_multilingual_bert_becomes_an_ernie_m(tmp_path: Path, pieces: Path) -> None:
    size = SentencePieceTokenizer.from_folder(pieces).size
    config = foreign_models.CONFIG | {"vocab_size": size, "intermediate_size": 128, "layer_norm_eps": 1e-12}
    arrays = foreign_models.bert(config)
    folder, out = foreign_models.folder(tmp_path / "bert", config, arrays), tmp_path / "out"
    (folder / "vocab.txt").unlink()
    (folder / "sentencepiece.bpe.model").write_bytes((pieces / "sentencepiece.bpe.model").read_bytes())
    out.mkdir()
    foreign.convert(folder, out)
    net = heads.ErnieForPretraining(configs.read(out))
    assert weights.start_from(net, out) == () and configs.read(out).max_position_embeddings == 18
    net.eval()
    rows = ids(configs.read(out))
    words, order = net(paddle.to_tensor(rows))
    rows_there = np.where(rows == 1, 0, rows)  # there padding is 0
    wanted = foreign_models.logits(config, arrays, rows_there, np.zeros_like(rows))
    assert np.abs(words.numpy() - wanted[0])[rows != 1].max() < 1e-5
    assert np.abs(order.numpy() - wanted[1]).max() < 1e-5


def test_what_computes_otherwise_there_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "eps", configs.shape("2L32H4", 50, layer_norm_eps=1e-5))
    saved(tmp_path / "task", configs.shape("2L32H4", 50, use_task_id=True, task_id=2))
    joint = heads.JointErnie(configs.shape("2L32H4", 50), 2, 3)
    saved(tmp_path / "joint", joint.config, joint)
    refusals = (
        ("eps", "paddlenlp", "PaddleNLP always computes with 1e-12"),
        ("task", "hf", "transformers always read type 0"),
        ("joint", "hf", "`JointErnie` is not in transformers"),
        ("joint", "paddlenlp", "`JointErnie` is not in PaddleNLP"),
    )
    for name, to, words in refusals:
        with pytest.raises(errors.BadInput, match=words):
            exporting.export(tmp_path / name, tmp_path, to)  # type: ignore[arg-type]


@pytest.mark.parity
@pytest.mark.parametrize("family", ["ernie", "ernie_m"])
def test_paddlenlp_computes_the_same(tmp_path: Path, pieces: Path, family: str) -> None:
    from paddlenlp.transformers import AutoModel

    model = tmp_path / "model"
    config = configs.shape("2L32H4", 50, hidden_act="relu", use_task_id=True)
    net = saved(model, config) if family == "ernie" else multilingual(model, pieces)
    there = AutoModel.from_pretrained(str(exported(model, "paddlenlp")))
    there.eval()
    rows = ids(net.config)
    # without a mask PaddleNLP takes 0 for padding in every model, ERNIE-M's [CLS] too
    mask = paddle.to_tensor((rows != net.config.pad_token_id).astype("int64"))
    found = there(paddle.to_tensor(rows), attention_mask=mask)
    wanted = net.base(paddle.to_tensor(rows))
    assert np.abs(found[0].numpy() - wanted[0].numpy())[rows != net.config.pad_token_id].max() < 1e-5
    assert np.abs(found[1].numpy() - wanted[1].numpy()).max() < 1e-5


def transformers(folder: Path, name: str, config: ErnieConfig, texts: tuple[str, ...] = ()) -> dict[str, Any]:
    """What transformers compute with the same ids; skipped without a Python that has them."""
    python = os.environ.get("ERNIE_TEST_HF_PYTHON")
    if not python:
        pytest.skip("ERNIE_TEST_HF_PYTHON is not set, it names a Python with torch and transformers")
    given = {"input_ids": ids(config), "attention_mask": (ids(config) != config.pad_token_id).astype("int64")}
    if config.model_type == "ernie":
        given["token_type_ids"] = np.array([[0] * 9, [0] * 4 + [1] * 5])
    np.savez(folder.parent / "in.npz", texts=np.array(texts), **given)
    command = [
        python,
        ROOT / "tests/support/hf_peer.py",
        folder,
        name,
        folder.parent / "in.npz",
        folder.parent / "out.npz",
    ]
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=kept, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder.parent / "out.npz"))


def close(found: np.ndarray, wanted: paddle.Tensor, config: ErnieConfig) -> bool:
    """Whether outputs are equal to 1e-5, at tokens if they are of tokens."""
    distance = np.abs(found - wanted.numpy())
    return bool(
        (distance[ids(config) != config.pad_token_id] if distance.shape[:2] == (2, 9) else distance).max() < 1e-5
    )


def outputs(net: paddle.nn.Layer) -> Any:
    types = [[0] * 9, [0] * 4 + [1] * 5]
    rest = [paddle.to_tensor(types)] if net.config.model_type == "ernie" else []
    return net(paddle.to_tensor(ids(net.config)), *rest)


@pytest.mark.parity
def test_transformers_compute_the_same_with_an_ernie(tmp_path: Path) -> None:
    net = saved(tmp_path / "model", ERNIE)
    out = exported(tmp_path / "model", "hf")
    words, order = outputs(net)
    found = transformers(out, "ErnieForPreTraining", ERNIE)
    assert not found["missing"].size
    assert close(found["prediction_logits"], words, ERNIE) and close(found["seq_relationship_logits"], order, ERNIE)
    found = transformers(out, "ErnieForMaskedLM", ERNIE)
    assert not found["missing"].size and close(found["logits"], words, ERNIE)
    found = transformers(out, "AutoModel", ERNIE)
    assert not found["missing"].size and str(found["kind"]) == "ErnieModel"


@pytest.mark.parity
def test_transformers_compute_the_same_with_an_ernie_m(tmp_path: Path, pieces: Path) -> None:
    net = multilingual(tmp_path / "model", pieces)
    out = exported(tmp_path / "model", "hf")
    found = transformers(out, "AutoModelForMaskedLM", net.config)
    assert not found["missing"].size and str(found["kind"]) == "XLMRobertaForMaskedLM"
    assert close(found["logits"], outputs(net)[0], net.config)


TASKS = {
    "ErnieForSequenceClassification": heads.ErnieForSequenceClassification,
    "ErnieForTokenClassification": heads.ErnieForTokenClassification,
    "ErnieForQuestionAnswering": heads.ErnieForQuestionAnswering,
}


@pytest.mark.parity
@pytest.mark.parametrize("family", ["ernie", "ernie_m"])
@pytest.mark.parametrize("name", TASKS)
def test_transformers_compute_the_same_with_a_task(tmp_path: Path, pieces: Path, name: str, family: str) -> None:
    model = tmp_path / "model"
    config = configs.shape("2L32H4", 50, num_labels=3, model_type=family)  # type: ignore[arg-type]
    net = saved(model, config, TASKS[name](config))
    if family == "ernie_m":
        made = SentencePieceTokenizer.from_folder(pieces)
        made.save(model)
    (model / "labels.txt").write_text("bad\ngood\nso-so\n")
    theirs = name.replace("Ernie", "Ernie" if family == "ernie" else "XLMRoberta")
    found = transformers(exported(model, "hf"), theirs, config)
    assert not found["missing"].size
    if name == "ErnieForQuestionAnswering":
        begins, ends = outputs(net)
        assert close(found["start_logits"], begins, config) and close(found["end_logits"], ends, config)
    else:
        assert close(found["logits"], outputs(net), config)
        assert list(found["labels"]) == ["bad", "good", "so-so"]


@pytest.mark.parity
def test_the_tokenizer_of_transformers_gives_the_same_ids(tmp_path: Path) -> None:
    vocabulary = real_data.folder("vocab") / "ernie_1.0_vocab.txt"
    tokens = tuple(line.split("\t")[0] for line in vocabulary.read_text(encoding="utf-8").splitlines())
    saved(tmp_path / "model", configs.shape("2L32H4", 18000))
    ours = WordPieceTokenizer(tokens)
    ours.save(tmp_path / "model")
    rows = (real_data.folder("chnsenticorp") / "dev.tsv").read_text(encoding="utf-8").splitlines()
    texts = (*TEXTS, *(row.split("\t")[-1] for row in rows[1:301]))
    out = exported(tmp_path / "model", "hf")
    found = transformers(out, "ErnieModel", configs.shape("2L32H4", 18000), texts)["rows"]
    wanted = [" ".join(map(str, ours.row(ours.encode(text))[0])) for text in texts]
    assert [text for text, one, two in zip(texts, found, wanted, strict=True) if one != two] == []


def test_the_config_says_what_transformers_need(tmp_path: Path) -> None:
    saved(tmp_path / "model", ERNIE)
    said = json.loads((exported(tmp_path / "model", "hf") / "config.json").read_text())
    assert said["model_type"] == "ernie" and said["architectures"] == ["ErnieForPreTraining"]
    assert (said["hidden_act"], said["type_vocab_size"], said["use_task_id"]) == ("relu", 4, True)
