"""The fused operations of a training on a CPU: equal to plain Paddle, and dropouts that a key decides."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import paddle
import pytest

from ernie_core.model import config, fused
from ernie_core.model.heads import ErnieForPretraining

F = paddle.nn.functional
pytestmark = pytest.mark.skipif(not fused.is_compiled(), reason="the extension is not built")

WIDTHS = (1, 15, 16, 26, 100, 128)
IDS = np.array([[1, 7, 8, 9, 2, 30, 31, 2, 0, 0], [1, 5, 11, 6, 7, 2, 9, 44, 45, 2]])


def tensor(*shape: int, seed: int = 0, scale: float = 1.0):  # type: ignore[no-untyped-def]
    found = paddle.to_tensor(np.random.RandomState(seed).randn(*shape).astype("float32") * scale)
    found.stop_gradient = False
    return found


def both(one: Callable[..., object], other: Callable[..., object], *shapes: tuple[int, ...]) -> float:
    """The largest difference of two functions and of their gradients, on the same random inputs."""
    results = []
    for function in (one, other):
        inputs = [tensor(*shape, seed=k) for k, shape in enumerate(shapes)]
        out = function(*[x * 1.0 for x in inputs])
        (out * tensor(*out.shape, seed=99)).sum().backward()
        results.append([out.numpy(), *(x.grad.numpy() for x in inputs)])
    return max(float(np.abs(a - b).max()) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("width", WIDTHS)
def test_norm_is_dropout_residual_and_layer_norm(width: int) -> None:
    layer = paddle.nn.LayerNorm(width, epsilon=1e-5)
    layer.weight.set_value(tensor(width, seed=5))
    plain_grads = []
    for function in (
        lambda x, b, r: fused.norm(x, b, r, layer),
        lambda x, b, r: layer(r + (x + b)),
    ):
        layer.clear_gradients()
        function(tensor(3, 5, width), tensor(width, seed=1), tensor(3, 5, width, seed=2)).square().sum().backward()
        plain_grads.append((layer.weight.grad.numpy(), layer.bias.grad.numpy()))
    for a, b in zip(*plain_grads, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    apart = both(
        lambda x, b, r: fused.norm(x, b, r, layer),
        lambda x, b, r: layer(r + (x + b)),
        (3, 5, width), (width,), (3, 5, width),
    )  # fmt: skip
    assert apart < 1e-4


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["gelu", "relu"])
def test_activation_adds_the_bias(width: int, name: str) -> None:
    plain = getattr(F, name)
    assert both(lambda x, b: fused.activate(x, b, name), lambda x, b: plain(x + b), (40, width), (width,)) < 1e-5


def test_gelu_is_exact_far_from_zero_and_finite_everywhere() -> None:
    points = [-3e38, -1e4, -30, -11, -9, -5, -1, 0, 1, 5, 9, 11, 30, 1e4, 3e38]
    x = paddle.to_tensor([points])
    found = fused.activate(x, paddle.zeros([len(points)]), "gelu").numpy()[0]
    np.testing.assert_allclose(found, [p * 0.5 * math.erfc(-p / math.sqrt(2)) for p in points], rtol=2e-7, atol=1e-7)


@pytest.mark.parametrize("width", WIDTHS)
def test_weights_of_attention_are_a_softmax_with_a_term(width: int) -> None:
    term = paddle.to_tensor(np.where(np.arange(2 * width).reshape(2, 1, 1, width) % 5 == 4, -1e4, 0).astype("float32"))
    assert both(
        lambda s: fused.weigh(s, term, 0.0, 0), lambda s: F.softmax(s + term), (2, 3, 7, width)
    ) < 1e-6  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
def test_heads_are_split_and_merged(width: int) -> None:
    def plain(x, b):  # type: ignore[no-untyped-def]
        return ((x + b) * 0.5).reshape([2, 5, 3, width]).transpose([0, 2, 1, 3])

    assert both(lambda x, b: fused.split(x, b, 3, 0.5), plain, (2, 5, 3 * width), (3 * width,)) < 1e-5
    back = both(fused.merge, lambda x: x.transpose([0, 2, 1, 3]).reshape([2, 5, 3 * width]), (2, 3, 5, width))
    assert back == 0.0


def test_a_bias_is_added_to_every_row() -> None:
    assert both(fused.shift, lambda x, b: x + b, (9, 33), (33,)) < 1e-5


def test_a_dropout_keeps_its_share_and_the_mean() -> None:
    x = paddle.ones([1000, 1000])
    found = fused.dropout(x, 0.1, 12345).numpy()
    assert set(np.unique(found)) == {np.float32(0), np.float32(1 / 0.9)}
    assert abs((found == 0).mean() - 0.1) < 0.001
    assert abs((found == 0).mean(0) - 0.1).max() < 0.06 and abs((found == 0).mean(1) - 0.1).max() < 0.06


def test_dropouts_of_different_keys_and_of_neighbours_have_nothing_in_common() -> None:
    def gone(key: int) -> np.ndarray:
        return fused.dropout(paddle.ones([1 << 20]), 0.3, key).numpy() == 0

    masks = [gone(fused.key_of(77, site)) for site in range(4)]
    for k, mask in enumerate(masks):
        for shift in (1, 2, 64, 128, 4096):
            assert abs((mask[shift:] & mask[:-shift]).mean() - 0.09) < 0.002
        for other in masks[:k]:
            assert abs((mask & other).mean() - 0.09) < 0.002
            assert all(abs((mask[s:] & other[: len(mask) - s]).mean() - 0.09) < 0.002 for s in (1, 7, 1024))


def test_the_gradient_goes_where_the_dropout_let_through() -> None:
    x = tensor(8, 40)
    out = fused.dropout(x, 0.5, 3)
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy() * x.numpy(), out.numpy(), rtol=1e-6)


@pytest.mark.parametrize("operation", ["norm", "weigh"])
def test_a_dropout_inside_an_operation_is_that_of_its_key(operation: str) -> None:
    """Forward and backward agree on the elements, and they are those that `dropout` gives for this key."""
    layer, zero, term = paddle.nn.LayerNorm(24), paddle.zeros([24]), paddle.zeros([2, 1, 1, 24])

    def one(x):  # type: ignore[no-untyped-def]
        if operation == "norm":
            return fused.norm(x, zero, paddle.ones_like(x), layer, 0.3, 9)
        return fused.weigh(x, term, 0.3, 9)

    def other(x):  # type: ignore[no-untyped-def]
        return layer(1.0 + fused.dropout(x, 0.3, 9)) if operation == "norm" else fused.dropout(F.softmax(x), 0.3, 9)

    assert both(one, other, (2, 3, 24, 24)) < 1e-4


def test_a_frozen_layer_takes_no_gradient() -> None:
    layer = paddle.nn.LayerNorm(16)
    layer.weight.stop_gradient = layer.bias.stop_gradient = True
    x, bias = tensor(4, 16), paddle.zeros([16])
    fused.norm(x, bias, paddle.zeros([4, 16]), layer).sum().backward()
    assert x.grad is not None and layer.weight.grad is None


NET = config.shape("2L48H4", 60)
EVEN = replace(NET, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def gradients(net: ErnieForPretraining, seed: int = 1) -> list[np.ndarray]:
    paddle.seed(seed)
    net.clear_gradients()
    scores, order = net(paddle.to_tensor(IDS), masked_positions=paddle.to_tensor(np.array([2, 6, 13, 17], "int32")))
    (scores.square().sum() + order.sum()).backward()
    return [scores.numpy(), *(p.grad.numpy() for p in net.parameters())]


@pytest.mark.parametrize("act", ["gelu", "relu"])
def test_a_net_gives_the_same_fused_and_plain(act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    paddle.seed(3)
    net = ErnieForPretraining(replace(EVEN, hidden_act=act))
    net.train()
    ours = gradients(net)
    monkeypatch.setattr(fused, "usable", lambda net, x: False)
    for a, b in zip(ours, gradients(net), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_the_seed_decides_the_bits_of_a_step() -> None:
    net = ErnieForPretraining(NET)
    net.train()
    first, again, other = gradients(net, 1), gradients(net, 1), gradients(net, 2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_recomputing_gives_the_same_bits() -> None:
    net = ErnieForPretraining(NET)
    net.train()
    kept = gradients(net)
    net.ernie.encoder.recompute = True
    assert all(np.array_equal(a, b) for a, b in zip(kept, gradients(net), strict=True))


def test_a_mask_for_every_pair_of_positions_is_possible_in_training() -> None:
    net = ErnieForPretraining(EVEN)
    net.train()
    pairs = paddle.zeros([2, 1, 10, 10])
    flat = paddle.zeros([2, 1, 1, 10])
    found = [net(paddle.to_tensor(IDS), attention_mask=mask)[0].numpy() for mask in (pairs, flat)]
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-5)
