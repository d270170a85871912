"""The schedule, the groups, and a state that survives other layers in the process."""

import numpy as np
import pytest

from ernie_core import errors
from ernie_core.runtime import import_paddle
from ernie_core.train import optimiser
from ernie_core.train.optimiser import Schedule

paddle = import_paddle()


class Net(paddle.nn.Layer):
    """A linear layer and a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = paddle.nn.Linear(4, 4)
        self.norm = paddle.nn.LayerNorm(4)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.norm(self.linear(x))


def steps(net: Net, adamw: paddle.optimizer.AdamW, numbers: range) -> None:
    for number in numbers:
        x = np.random.RandomState(number).rand(3, 4).astype("float32")
        (net(paddle.to_tensor(x)) * paddle.to_tensor(x)).sum().backward()
        adamw.set_lr(0.01)
        adamw.step()
        adamw.clear_grad()


def test_the_rate_rises_falls_and_stays() -> None:
    schedule = Schedule(1.0, 0.1, 4, 14)
    rates = [schedule(step) for step in (1, 4, 9, 14, 15, 1000)]
    assert rates == pytest.approx([0.25, 1.0, 0.55, 0.1, 0.1, 0.1])
    assert Schedule(1.0, 0.0, 0, 10)(1) == pytest.approx(0.9)
    assert Schedule(1.0, 0.5, 2.5, 2)(3) == 0.5


def test_the_state_goes_over_to_a_net_with_other_automatic_names() -> None:
    paddle.seed(0)
    first = Net()
    adamw = optimiser.adamw(first)
    steps(first, adamw, range(3))
    weights = {name: t.numpy() for name, t in first.state_dict().items()}
    state = optimiser.state(adamw, first)
    assert "linear.weight.moment1" in state and len(state) == 4 * 4
    steps(first, adamw, range(3, 6))
    paddle.nn.Linear(2, 2)
    second = Net()
    other = optimiser.adamw(second)
    second.set_state_dict(weights)
    optimiser.restore(other, second, state)
    steps(second, other, range(3, 6))
    for name, tensor in first.state_dict().items():
        assert np.array_equal(tensor.numpy(), second.state_dict()[name].numpy()), name


def test_biases_and_norms_do_not_decay() -> None:
    net = Net()
    adamw = optimiser.adamw(net, weight_decay=0.5)
    net.norm.weight.set_value(paddle.ones([4]))
    before = net.linear.weight.numpy()
    zero = net(paddle.ones([1, 4])).sum() * 0.0
    zero.backward()
    adamw.set_lr(0.1)
    adamw.step()
    np.testing.assert_allclose(net.linear.weight.numpy(), before * 0.95, rtol=1e-6)
    assert np.array_equal(net.norm.weight.numpy(), np.ones(4, "float32"))


def test_a_share_of_the_rate_for_some_parameters() -> None:
    net = Net()
    adamw = optimiser.adamw(net, weight_decay=0.0, factors=lambda name: 0.0 if name.startswith("linear") else 1.0)
    linear, norm = net.linear.weight.numpy(), net.norm.weight.numpy()
    steps(net, adamw, range(2))
    assert np.array_equal(net.linear.weight.numpy(), linear)
    assert not np.array_equal(net.norm.weight.numpy(), norm)


def test_the_state_of_another_model_is_refused() -> None:
    net = Net()
    with pytest.raises(errors.BadInput, match=r"another model: it has stranger\.moment1"):
        optimiser.restore(optimiser.adamw(net), net, {"stranger.moment1": np.zeros(3, "float32")})
    with pytest.raises(errors.BadInput, match="another model"):
        optimiser.restore(optimiser.adamw(net), net, {"linear.weight.moment1": np.zeros((9, 9), "float32")})
