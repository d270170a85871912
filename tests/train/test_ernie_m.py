"""Pretraining of ERNIE-M: masked tokens alone, resumed to the bit, and models that others open and train on."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import paddle
import pytest
from train import trainer
from train.test_resume import Stops, digests

from ernie_core import errors
from ernie_core.model import config, weights
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.pretrain import flops
from ernie_core.pretrain.recipe import PretrainRecipe

ERNIE_M = {"model_type": "ernie_m", "binary_head": False}
SHORT = {**ERNIE_M, "max_steps": 4, "eval_freq": 4}


@pytest.fixture
def padded_by_1(corpus: Path) -> Path:
    """The corpus with a vocabulary in ERNIE-M's order, where padding is id 1."""
    words = (corpus / "vocab.txt").read_text(encoding="utf-8").splitlines()
    (corpus / "vocab.txt").write_text("\n".join(["[CLS]", "[PAD]", *words[2:]]) + "\n", encoding="utf-8")
    return corpus


def test_it_learns_masked_tokens_and_a_stop_changes_no_bit(padded_by_1: Path, tmp_path: Path) -> None:
    scores = trainer.train(padded_by_1, tmp_path / "through", **ERNIE_M)
    assert scores.keys() == {
        "train_loss", "train_lm_loss", "valid_loss", "valid_lm_loss", "valid_lm_accuracy"
    }  # fmt: skip
    assert scores["train_loss"] == scores["train_lm_loss"] < math.log(105) + 0.3
    with pytest.raises(errors.Stopped):
        trainer.train(padded_by_1, tmp_path / "stopped", stop=Stops(7), **ERNIE_M)
    trainer.train(padded_by_1, tmp_path / "stopped", **ERNIE_M)
    assert digests(tmp_path / "stopped") == digests(tmp_path / "through")
    said = json.loads((tmp_path / "through/model/config.json").read_text(encoding="utf-8"))
    assert (said["model_type"], said["pad_token_id"], said["max_position_embeddings"]) == ("ernie_m", 1, 514)
    assert said["architectures"] == ["ErnieMForMaskedLM"]


@pytest.mark.parity
def test_the_last_checkpoint_opens_in_paddlenlp(padded_by_1: Path, tmp_path: Path) -> None:
    theirs = pytest.importorskip("paddlenlp.transformers")
    trainer.train(padded_by_1, tmp_path, **SHORT)
    last = tmp_path / "store/pretrain/x/model_last"
    peer = theirs.AutoModel.from_pretrained(str(last))
    ours = ErnieForPretraining(config.read(last), False)
    weights.load(ours, last)
    ids = np.array([[0, 8, 9, 2, 1, 1], [0, 7, 6, 12, 11, 2]])
    mask = paddle.to_tensor((ids != 1).astype("int64"))
    peer.eval(), ours.eval()
    wanted, found = peer(paddle.to_tensor(ids), attention_mask=mask)[0], ours.base(paddle.to_tensor(ids))[0]
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), atol=1e-5)


def test_a_model_is_trained_on_as_what_it_is(
    padded_by_1: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer.train(padded_by_1, tmp_path / "first", **SHORT)
    first = shutil.copytree(tmp_path / "first/model", tmp_path / "kept")
    trainer.train(padded_by_1, tmp_path / "on", **SHORT | {"model_type": "ernie"}, init=first)
    assert "model_type ernie_m (not ernie)" in capsys.readouterr().err
    assert config.read(tmp_path / "on/model").model_type == "ernie_m"
    with pytest.raises(errors.BadInput, match=r"kept is an `ernie_m`: .*set `binary_head: false`"):
        trainer.train(padded_by_1, tmp_path / "both", init=first)
    with pytest.raises(errors.BadInput, match="max_seq_len 514 is above the 512 positions"):
        trainer.train(padded_by_1, tmp_path / "long", **SHORT, max_seq_len=514, max_position_embeddings=600, init=first)


def test_an_ernie_is_not_trained_on_as_an_ernie_m(corpus: Path, tmp_path: Path) -> None:
    trainer.train(corpus, tmp_path / "first", max_steps=2, eval_freq=2)
    with pytest.raises(errors.BadInput, match="model is an `ernie`, not an `ernie_m`: leave model_type out"):
        trainer.train(corpus, tmp_path / "on", **SHORT, init=tmp_path / "first/model")


def test_the_shape_is_the_published_one_and_its_cost_is_counted() -> None:
    shape = PretrainRecipe(**ERNIE_M, arch="large").shape(250_002, 1)
    assert (shape.intermediate_size, shape.max_position_embeddings, shape.positions) == (4096, 514, 512)
    weights_of_layers = 24 * (4 * 1024**2 + 2 * 1024 * 4096)
    without_head = flops.of_sample(shape, 16, 0, binary_head=False) / 16
    assert without_head == pytest.approx(6 * weights_of_layers, rel=0.01)


def test_an_order_of_sentences_is_refused_with_the_remedy() -> None:
    with pytest.raises(errors.BadInput, match=r"model_type ernie_m and binary_head true contradict: .*`binary_head: f"):
        PretrainRecipe(model_type="ernie_m")
