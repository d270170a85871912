"""The schedule, the groups, and a state that survives other layers in the process, whoever computes."""

from collections.abc import Callable

import numpy as np
import paddle
import pytest

from ernie_core import errors
from ernie_core.train.optim import optimiser
from ernie_core.train.optim.adamw import ACCUMULATORS, AdamWSettings, halves, keys
from ernie_core.train.optim.device import PaddleAdamW
from ernie_core.train.optim.host import HostAdamW
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.optim.schedule import Schedule
from ernie_core.train.parallel import gradients

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
    adamw = first(net, AdamWSettings())
    steps(net, adamw, range(3))
    then, state = weights(net), optimiser.state(adamw)
    assert "linear.weight.moment1" in state and len(state) == 4 * 4
    steps(net, adamw, range(3, 6))
    paddle.nn.Linear(2, 2)
    other = Net()
    moved = second(other, AdamWSettings())
    other.set_state_dict(then)
    moved.restore(state)
    steps(other, moved, range(3, 6))
    for name, array in weights(net).items():
        apart = np.abs(array - weights(other)[name]).max()
        assert apart == 0 if first is second else apart < 1e-6, name


@both
def test_biases_and_norms_do_not_decay(kind: Kind) -> None:
    net = Net()
    adamw = kind(net, AdamWSettings(weight_decay=0.5))
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
    adamw = kind(net, AdamWSettings(weight_decay=0.0, factors=lambda name: 0.0 if name.startswith("linear") else 1.0))
    before = weights(net)
    steps(net, adamw, range(2))
    assert np.array_equal(net.linear.weight.numpy(), before["linear.weight"])
    assert not np.array_equal(net.norm.weight.numpy(), before["norm.weight"])


@both
def test_only_some_parameters_are_updated_and_have_a_state(kind: Kind) -> None:
    net = Net()
    adamw = kind(net, AdamWSettings(), only={"norm.weight", "linear.bias"})
    before = weights(net)
    steps(net, adamw, range(2))
    changed = {name for name, array in weights(net).items() if not np.array_equal(array, before[name])}
    assert changed == {"norm.weight", "linear.bias"}
    assert {key.rpartition(".")[0] for key in adamw.tensors()} == changed


@both
def test_the_state_is_whole_before_the_first_step(kind: Kind) -> None:
    net = Net()
    adamw = kind(net, AdamWSettings(beta1=0.8, beta2=0.95))
    assert sorted(adamw.tensors()) == sorted(keys(halves(net)))
    for key, array in optimiser.state(adamw).items():
        beginning = 0.8 if "beta1" in key else 0.95 if "beta2" in key else 0.0
        assert array.dtype == np.float32 and np.array_equal(array, np.full_like(array, beginning)), key


@both
@pytest.mark.parametrize("until", [0, 3])
def test_what_was_never_updated_goes_on_as_if_undisturbed(kind: Kind, until: int) -> None:
    """Restored before any step, or after steps that the norm had no part in; saved and restored again before it has."""
    ends = []
    for restored in (0, 1, 2):
        paddle.seed(3)
        net = Net()
        adamw = kind(net, AdamWSettings())
        for _ in range(until):
            net.linear(paddle.ones([2, 4])).square().sum().backward()
            adamw.step(0.01)
            gradients.let_go(net)
        for _ in range(restored):
            then, state = weights(net), optimiser.state(adamw)
            net = Net()
            net.set_state_dict(then)
            adamw = kind(net, AdamWSettings())
            assert adamw.restore(state) == []
            found = optimiser.state(adamw)
            assert {key: array.tobytes() for key, array in found.items()} == {k: a.tobytes() for k, a in state.items()}
        steps(net, adamw, range(3))
        ends.append({key: array.tobytes() for key, array in (weights(net) | optimiser.state(adamw)).items()})
    assert ends[0] == ends[1] == ends[2] and len(ends[0]) == 4 + 4 * 4


@both
def test_a_state_that_lacks_something_is_refused_with_a_few_names(kind: Kind) -> None:
    state = optimiser.state(kind(Net(), AdamWSettings()))
    without = {key: array for key, array in state.items() if key != "norm.weight.moment2"}
    for partial in (False, True):
        with pytest.raises(errors.BadInput, match=r"incomplete, it lacks 1 of 16 arrays: norm\.weight\.moment2$"):
            kind(Net(), AdamWSettings()).restore(without, partial=partial)
        with pytest.raises(errors.BadInput, match=r"lacks 16 of 16 arrays: (linear\.\S+, ){2}linear\.\S+ and 13 more$"):
            kind(Net(), AdamWSettings()).restore({}, partial=partial)


@both
def test_parameters_that_an_old_state_knows_nothing_of_begin_anew(kind: Kind) -> None:
    paddle.seed(4)
    net = Net()
    adamw = kind(net, AdamWSettings())
    steps(net, adamw, range(3))
    state = {key: array for key, array in optimiser.state(adamw).items() if not key.startswith("norm")}
    with pytest.raises(errors.BadInput, match="lacks 8 of 16"):
        kind(Net(), AdamWSettings()).restore(state)
    other = Net()
    moved = kind(other, AdamWSettings())
    assert moved.restore(state, partial=True) == ["norm.weight", "norm.bias"]
    found, fresh = optimiser.state(moved), optimiser.state(kind(Net(), AdamWSettings()))
    for key, array in found.items():
        assert np.array_equal(array, state.get(key, fresh[key])), key
    steps(other, moved, range(1))
    assert np.abs(optimiser.state(moved)["norm.weight.moment1"]).max() > 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_has_master_weights_before_the_first_step(dtype: str) -> None:
    """A host has no kernel that updates half precision, but by the time it says so Paddle has taken the state over."""
    net, other = Net(), Net()
    for each in (net, other):
        each.linear.to(dtype=dtype)
    adamw, moved = PaddleAdamW(net, AdamWSettings()), PaddleAdamW(other, AdamWSettings())
    state = optimiser.state(adamw)
    assert sorted(state) == sorted(keys(halves(net))) and len(state) == 4 * 4 + 2
    assert np.array_equal(state["linear.weight.master_weight"], net.linear.weight.astype("float32").numpy())
    state["linear.weight.master_weight"] += np.float32(1e-7)  # less than half precision can say
    state["linear.weight.moment1"] += np.float32(2.0)
    assert moved.restore(state) == []
    found = optimiser.state(moved)
    assert {key: array.tobytes() for key, array in found.items()} == {key: a.tobytes() for key, a in state.items()}
    other.linear.weight.grad = paddle.ones([4, 4])
    with pytest.raises(Exception, match=f"{dtype}. of kernel `adamw` is not registered"):
        moved.step(0.1)
    assert len(moved.inner.state_dict()) == len(ACCUMULATORS) + 1
    found = optimiser.state(moved)
    assert {key: array.tobytes() for key, array in found.items()} == {key: a.tobytes() for key, a in state.items()}
    del state["linear.bias.master_weight"]
    with pytest.raises(errors.BadInput, match=r"lacks 1 of 18 arrays: linear\.bias\.master_weight"):
        PaddleAdamW(other, AdamWSettings()).restore(state)


@both
def test_the_state_of_another_model_is_refused(kind: Kind) -> None:
    net = Net()
    with pytest.raises(errors.BadInput, match=r"another model: it has stranger\.moment1"):
        kind(net, AdamWSettings()).restore({"stranger.moment1": np.zeros(3, "float32")})
    with pytest.raises(errors.BadInput, match=r"another model: linear\.weight\.moment1 is \(9, 9\), not \(4, 4\)"):
        kind(net, AdamWSettings()).restore({"linear.weight.moment1": np.zeros((9, 9), "float32")})
