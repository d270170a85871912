"""Gradients of half precision: nothing of them is lost to a loss scale, to micro steps or to the sum over ranks."""

from collections.abc import Callable

import numpy as np
import paddle
import pytest

from ernie_core.train.optim.precision import Scaler
from ernie_core.train.parallel import exchange, gradients
from ernie_core.train.parallel.team import Team

SCALE = Scaler(32768.0, moves=True).loss_scaling
SIZE = 300
"""Of a square weight that has one owner in stage 2; a bias of it every rank adds up itself."""


class Two(Team):
    """Rank 0 of two that have the same gradients; what it sends over the network is written down."""

    def __init__(self) -> None:
        super().__init__(0, 2)
        object.__setattr__(self, "sent", [])

    def add_up(self, tensors: list[paddle.Tensor]) -> None:
        for tensor in tensors:
            self.sent.append(str(tensor.dtype))
            paddle.assign(tensor * 2.0, tensor)

    def reduce(self, tensor: paddle.Tensor, owner: int) -> None:
        self.add_up([tensor])


def build(dtype: str) -> paddle.nn.Layer:
    """Two linear layers, the second in float32 as norms are; each rank of two owns one of the big weights."""
    net = paddle.nn.Sequential(paddle.nn.Linear(SIZE, SIZE), paddle.nn.Linear(SIZE, SIZE))
    net[0].to(dtype=dtype)
    return net


def backward(net: paddle.nn.Layer, gradient: float) -> None:
    """Leave this gradient with every number, times the scale; each op has a kernel for half precision on the host."""
    sum((p.astype("float32") * gradient).sum() * SCALE for p in net.parameters()).backward()


def alone(net: paddle.nn.Layer) -> tuple[exchange.Exchange, Team]:
    team = Team()
    return exchange.AllReduceExchange(net, team), team


def two(net: paddle.nn.Layer) -> tuple[exchange.Exchange, Team]:
    team = Two()
    return exchange.AllReduceExchange(net, team), team


def sharded(net: paddle.nn.Layer) -> tuple[exchange.Exchange, Team]:
    team = Two()
    return exchange.ReduceToOwnerExchange(net, team), team


ways = pytest.mark.parametrize("way", [alone, two, sharded])
Way = Callable[[paddle.nn.Layer], tuple[exchange.Exchange, Team]]


def test_half_precision_cannot_say_what_is_left_without_the_scale() -> None:
    """What Wide is there for: the gradient is fine, what is left of it is not."""
    for gradient, error in ((1e-7, 0.17), (3e-8, 0.68)):
        half = np.float16(gradient * SCALE)
        assert abs(float(half) / SCALE / gradient - 1) < 1e-3
        assert abs(float(half * np.float16(1 / SCALE)) / gradient - 1) > error


@ways
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("gradient", [1e-7, 3e-8])
def test_small_gradients_survive_the_scale(way: Way, dtype: str, gradient: float) -> None:
    rounding = 2**-10 if dtype == "float16" else 2**-7  # of one number; Paddle cuts it off on the host
    net = build(dtype)
    exchange, team = way(net)
    for _ in range(3):
        backward(net, gradient)
    norm = exchange.add_up() / (3 * team.world * SCALE)
    found = gradients.of(net)
    gradients.scale(list(found.values()), 1.0 / (3 * team.world * SCALE))
    assert set(found) >= {"0.weight", "0.bias", "1.bias"}
    for name, each in found.items():
        assert each.dtype == paddle.float32, name
        np.testing.assert_allclose(each.numpy(), gradient, rtol=rounding, err_msg=name)
    if way is not sharded:  # there each rank knows the norm of its own
        assert norm == pytest.approx(gradient * np.sqrt(2 * SIZE * (SIZE + 1)), rel=rounding)
    gradients.let_go(net)
    assert gradients.of(net) == {}


@ways
def test_micro_steps_and_ranks_are_added_up_in_float32(way: Way) -> None:
    """float16 has no number between 2048 and 2050."""
    net = build("float16")
    exchange, team = way(net)
    for gradient in (2048.0, 1.0, 1.0, 1.0):
        backward(net, gradient / SCALE)
    assert net[0].weight.grad is None and net[1].bias.grad is not None, "only half precision is taken away"
    exchange.add_up()
    for name, gradient in gradients.of(net).items():
        assert float(gradient.min()) == float(gradient.max()) == 2051.0 * team.world, name
    assert str(paddle.float32) in (sent := getattr(team, "sent", [str(paddle.float32)]))
    assert str(paddle.float16) not in sent


@ways
def test_an_overflow_is_seen_and_leaves_nothing(way: Way) -> None:
    net = build("float16")
    exchange, team = way(net)
    backward(net, 1e6)
    assert not np.isfinite(exchange.add_up())
    gradients.let_go(net)
    backward(net, 1.0 / SCALE)
    assert np.isfinite(exchange.add_up())
    assert float(net[0].bias.grad.max()) == team.world


@ways
def test_nets_of_float32_are_left_alone(way: Way) -> None:
    net = build("float32")
    exchange, _ = way(net)
    backward(net, 3e-8)
    held = {name: gradient.data_ptr() for name, gradient in gradients.of(net).items()}
    assert "0.bias" in held
    exchange.add_up()
    assert {name: gradient.data_ptr() for name, gradient in gradients.of(net).items()} == held
