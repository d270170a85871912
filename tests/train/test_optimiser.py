"""The schedule, the groups, and a state that survives other layers in the process, whoever computes."""

from collections.abc import Callable

import numpy as np
import pytest

from ernie_core import errors
from ernie_core.runtime import import_paddle
from ernie_core.train import gradients, optimiser
from ernie_core.train.adamw import Settings
from ernie_core.train.device import PaddleAdamW
from ernie_core.train.host import HostAdamW
from ernie_core.train.optimiser import Optimiser, Schedule

paddle = import_paddle()
Kind = Callable[..., Optimiser]
both = pytest.mark.parametrize("kind", [HostAdamW, PaddleAdamW])


class Net(paddle.nn.Layer):
    """A linear layer and a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = paddle.nn.Linear(4, 4)
        self.norm = paddle.nn.LayerNorm(4)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.norm(self.linear(x))


def steps(net: Net, adamw: Optimiser, numbers: range, factor: float = 1.0) -> None:
    for number in numbers:
        x = np.random.RandomState(number).rand(3, 4).astype("float32")
        (net(paddle.to_tensor(x)) * paddle.to_tensor(x)).sum().backward()
        adamw.step(0.01, factor)
        gradients.let_go(net)


def weights(net: Net) -> dict[str, np.ndarray]:
    return {name: tensor.numpy().copy() for name, tensor in net.state_dict().items()}


def test_the_rate_rises_falls_and_stays() -> None:
    schedule = Schedule(1.0, 0.1, 4, 14)
    rates = [schedule(step) for step in (1, 4, 9, 14, 15, 1000)]
    assert rates == pytest.approx([0.25, 1.0, 0.55, 0.1, 0.1, 0.1])
    assert Schedule(1.0, 0.0, 0, 10)(1) == pytest.approx(0.9)
    assert Schedule(1.0, 0.5, 2.5, 2)(3) == 0.5


def test_a_model_on_the_host_is_updated_there() -> None:
    assert isinstance(optimiser.adamw(Net()), HostAdamW)


@pytest.mark.parametrize("first", [HostAdamW, PaddleAdamW])
@pytest.mark.parametrize("second", [HostAdamW, PaddleAdamW])
def test_the_state_goes_over_to_a_net_with_other_automatic_names(first: Kind, second: Kind) -> None:
    """And from one who computes to the other, with the same bits if it is the same one."""
    paddle.seed(0)
    net = Net()
    adamw = first(net, Settings())
    steps(net, adamw, range(3))
    then, state = weights(net), optimiser.state(adamw)
    assert "linear.weight.moment1" in state and len(state) == 4 * 4
    steps(net, adamw, range(3, 6))
    paddle.nn.Linear(2, 2)
    other = Net()
    moved = second(other, Settings())
    other.set_state_dict(then)
    moved.restore(state)
    steps(other, moved, range(3, 6))
    for name, array in weights(net).items():
        apart = np.abs(array - weights(other)[name]).max()
        assert apart == 0 if first is second else apart < 1e-6, name


@both
def test_biases_and_norms_do_not_decay(kind: Kind) -> None:
    net = Net()
    adamw = kind(net, Settings(weight_decay=0.5))
    net.norm.weight.set_value(paddle.ones([4]))
    before = weights(net)["linear.weight"]
    zero = net(paddle.ones([1, 4])).sum() * 0.0
    zero.backward()
    adamw.step(0.1)
    np.testing.assert_allclose(net.linear.weight.numpy(), before * 0.95, rtol=1e-6)
    assert np.array_equal(net.norm.weight.numpy(), np.ones(4, "float32"))


@both
def test_a_share_of_the_rate_for_some_parameters(kind: Kind) -> None:
    net = Net()
    adamw = kind(net, Settings(weight_decay=0.0, factors=lambda name: 0.0 if name.startswith("linear") else 1.0))
    before = weights(net)
    steps(net, adamw, range(2))
    assert np.array_equal(net.linear.weight.numpy(), before["linear.weight"])
    assert not np.array_equal(net.norm.weight.numpy(), before["norm.weight"])


@both
def test_only_some_parameters_are_updated_and_have_a_state(kind: Kind) -> None:
    net = Net()
    adamw = kind(net, Settings(), only={"norm.weight", "linear.bias"})
    before = weights(net)
    steps(net, adamw, range(2))
    changed = {name for name, array in weights(net).items() if not np.array_equal(array, before[name])}
    assert changed == {"norm.weight", "linear.bias"}
    assert {key.rpartition(".")[0] for key in adamw.tensors()} == changed


@both
def test_the_state_of_another_model_is_refused(kind: Kind) -> None:
    net = Net()
    with pytest.raises(errors.BadInput, match=r"another model: it has stranger\.moment1"):
        kind(net, Settings()).restore({"stranger.moment1": np.zeros(3, "float32")})
    with pytest.raises(errors.BadInput, match=r"another model: linear\.weight\.moment1 is \(9, 9\), not \(4, 4\)"):
        kind(net, Settings()).restore({"linear.weight.moment1": np.zeros((9, 9), "float32")})
