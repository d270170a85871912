"""ERNIE-M: equal to PaddleNLP with padding, each opens the folders of the other, and the fused operations apply."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest
from model.test_parity import DROPPED, apart, theirs

from ernie_core.errors import BadInput
from ernie_core.model import config, fused, weights
from ernie_core.model.config import ErnieConfig
from ernie_core.model.ernie import ErnieModel
from ernie_core.model.heads import (
    ErnieForMultipleChoice,
    ErnieForPretraining,
    ErnieForQuestionAnswering,
    ErnieForSequenceClassification,
    ErnieForTokenClassification,
    JointErnie,
)

__all__ = ["theirs"]

# [CLS] 0, [PAD] 1, [SEP] 2 as in the published vocabulary
IDS = np.array([[0, 7, 8, 9, 2, 2, 30, 2, 1, 1], [0, 5, 11, 6, 7, 2, 2, 44, 45, 2]])
MASK = (IDS != 1).astype("int64")
SHAPE = config.shape("2L48H4", 60, model_type="ernie_m", max_position_embeddings=18, num_labels=3, **DROPPED)
HEADS = {
    "ErnieMForSequenceClassification": ErnieForSequenceClassification,
    "ErnieMForTokenClassification": ErnieForTokenClassification,
    "ErnieMForQuestionAnswering": ErnieForQuestionAnswering,
    "ErnieMForMultipleChoice": ErnieForMultipleChoice,
}
needs_kernels = pytest.mark.skipif(not fused.is_compiled(), reason="the extension is not built")


def ours(net) -> list[np.ndarray]:  # type: ignore[no-untyped-def]
    net.eval()
    found = net(paddle.to_tensor(IDS))
    return [t.numpy() for t in (found if isinstance(found, tuple) else (found,))]


def peers(net) -> list[np.ndarray]:  # type: ignore[no-untyped-def]
    """What PaddleNLP's net says; without a mask it would take the id 0, which is [CLS], for padding."""
    net.eval()
    found = net(paddle.to_tensor(IDS), attention_mask=paddle.to_tensor(MASK))
    return [t.numpy() for t in (found if isinstance(found, tuple) else (found,))]


@pytest.mark.parity
@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("fast", [False, pytest.param(True, marks=needs_kernels)])
def test_our_folder_opens_in_paddlenlp_with_equal_logits(theirs, tmp_path: Path, name: str, fast: bool) -> None:  # type: ignore[no-untyped-def]
    net = HEADS[name](SHAPE)
    weights.save(net, tmp_path)
    opened = getattr(theirs, name).from_pretrained(str(tmp_path), num_choices=1)
    assert opened.state_dict().keys() == net.state_dict().keys()
    if fast:
        net.train()  # the fused operations are those of a training; without dropout it computes the same
        found = net(paddle.to_tensor(IDS))
        logits = [t.numpy() for t in (found if isinstance(found, tuple) else (found,))]
    else:
        logits = ours(net)
    assert apart(logits, peers(opened)) <= 1e-5


@pytest.mark.parity
@pytest.mark.parametrize("name", HEADS)
def test_their_folder_opens_here_with_equal_logits(theirs, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    # their file says inner layers of 3,072 and 16 types of tokens, which their net does not have
    said = theirs.ErnieMConfig(
        vocab_size=60, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, num_labels=3, num_choices=1,
        **DROPPED,
    )  # fmt: skip
    net = getattr(theirs, name)(said)
    net.save_pretrained(str(tmp_path))
    found = HEADS[name](config.read(tmp_path))
    weights.load(found, tmp_path)
    assert found.config == replace(SHAPE, max_position_embeddings=514)
    assert apart(ours(found), peers(net)) <= 1e-5


@pytest.mark.parity
@pytest.mark.parametrize("old", [False, True])
def test_their_encoder_alone_goes_into_ours(theirs, tmp_path: Path, old: bool) -> None:  # type: ignore[no-untyped-def]
    said = {"vocab_size": 60, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, **DROPPED}
    net = theirs.ErnieMModel(theirs.ErnieMConfig(**said))
    net.save_pretrained(str(tmp_path))
    if old:  # as their versions before `config.json` wrote it
        (tmp_path / config.FILE).unlink()
        (tmp_path / config.OLD_FILE).write_text(json.dumps(said | {"init_class": "ErnieMModel", "pad_token_id": 1}))
    read = config.read(tmp_path)
    pretraining, task = ErnieForPretraining(read, False), ErnieForSequenceClassification(read)
    lacking = weights.start_from(pretraining, tmp_path)
    weights.load(task, tmp_path, partial="ernie_m.")
    assert lacking and all(name.startswith("cls.") for name in lacking)
    for encoder in (pretraining.base, task.base):
        assert apart(ours(encoder), peers(net)) <= 1e-5


@pytest.mark.parity
def test_a_pretrained_model_opens_in_paddlenlp_under_every_task(theirs, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    net = ErnieForPretraining(SHAPE, False)
    weights.save(net, tmp_path)
    for name in ("ErnieMModel", *HEADS):
        opened = getattr(theirs, name).from_pretrained(str(tmp_path))
        encoder = opened if name == "ErnieMModel" else opened.ernie_m
        assert apart(ours(net.base), peers(encoder)) <= 1e-5


def test_padding_changes_nothing_before_it() -> None:
    net = ErnieForTokenClassification(SHAPE)
    (whole,), alone = ours(net), net(paddle.to_tensor(IDS[:1, :8])).numpy()
    np.testing.assert_allclose(whole[:1, :8], alone, atol=1e-6)


def test_types_of_tokens_are_never_fed() -> None:
    net = ErnieModel(SHAPE)
    net.eval()
    typed = net(paddle.to_tensor(IDS), paddle.ones_like(paddle.to_tensor(IDS)))
    assert apart(ours(net), [t.numpy() for t in typed]) == 0.0
    assert SHAPE.inputs == ("input_ids",) and ErnieConfig(60).inputs == ("input_ids", "token_type_ids")
    assert not any("token_type" in name for name in net.state_dict())


@needs_kernels
@pytest.mark.parametrize("net", [*HEADS.values(), lambda shape: JointErnie(shape, 3, 5)])
def test_a_training_on_a_cpu_uses_the_fused_operations_and_learns_the_same(  # type: ignore[no-untyped-def]
    net, monkeypatch: pytest.MonkeyPatch
) -> None:
    paddle.seed(3)
    made = net(SHAPE)
    made.train()

    def gradients() -> list[np.ndarray]:
        made.clear_gradients()
        found = made(paddle.to_tensor(IDS))
        paddle.add_n([t.square().mean() for t in (found if isinstance(found, tuple) else (found,))]).backward()
        # the pooler has no gradient where a task does not use it
        return [p.grad.numpy() for p in made.parameters() if p.grad is not None]

    used: list[str] = []
    kernel = fused._kernel
    monkeypatch.setattr(fused, "_kernel", lambda name: used.append(name) or kernel(name))
    fast = gradients()
    assert {"norm_forward", "gelu_forward", "softmax_forward", "split_forward", "norm_backward"} <= set(used)
    used.clear()
    monkeypatch.setattr(fused, "usable", lambda net, x: False)
    for a, b in zip(fast, gradients(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert not used


def test_named_shapes_are_the_published_ones() -> None:
    base, large = (config.shape(name, 250_002, model_type="ernie_m") for name in ("base", "large"))
    for shape, sizes in ((base, (12, 768, 12, 3072)), (large, (24, 1024, 16, 4096))):
        assert sizes == (
            shape.num_hidden_layers, shape.hidden_size, shape.num_attention_heads, shape.intermediate_size
        )  # fmt: skip
        assert (shape.max_position_embeddings, shape.positions, shape.pad_token_id) == (514, 512, 1)
    assert config.shape("6L384H12", 10, model_type="ernie_m").intermediate_size == 1536


@pytest.mark.parametrize(("said", "fault"), [
    ({"model_type": "bert"}, "model_type is `bert`, only `ernie` and `ernie_m` can be read"),
    ({"model_type": ["ernie"]}, "not the config of an ERNIE model"),
    ({"model_type": "ernie_m", "max_position_embeddings": 2}, "max_position_embeddings 2 of an ernie_m must be at"),
    ({"model_type": "ernie_m", "init_class": "ErnieModel"}, "only `ErnieMModel` and `ErnieMFor...` can be read"),
    ({"init_class": "UIEM"}, "init_class is `UIEM`"),
])  # fmt: skip
def test_a_file_of_another_model_is_refused_by_name(tmp_path: Path, said: dict[str, object], fault: str) -> None:
    (tmp_path / config.FILE).write_text(
        json.dumps({"vocab_size": 60, "hidden_size": 48, "num_attention_heads": 4} | said)
    )
    with pytest.raises(BadInput, match=fault):
        config.read(tmp_path)


def test_weights_of_an_ernie_do_not_go_into_an_ernie_m(tmp_path: Path) -> None:
    weights.save(ErnieForPretraining(config.shape("2L48H4", 60)), tmp_path)
    with pytest.raises(BadInput, match="has no parameter of an ERNIE-M model, but `ernie"):
        weights.load(ErnieForSequenceClassification(SHAPE), tmp_path, partial="ernie_m.")
