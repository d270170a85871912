"""AdamW on the host: that of Paddle, the same bits with and without the kernel, and however the work is divided."""

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from train.test_optimiser import Net, steps, weights

from ernie_core.train.native import flat, kernel
from ernie_core.train.optim import host, optimiser
from ernie_core.train.optim.adamw import AdamWSettings
from ernie_core.train.optim.device import PaddleAdamW
from ernie_core.train.optim.host import HostAdamW
from ernie_core.train.parallel import gradients

SETTINGS = AdamWSettings(0.1, 0.85, 0.95, 1e-6, optimiser.layer_factors(2, 0.7))

FINITE = st.floats(-1e4, 1e4, width=32)
NUMBERS = st.tuples(*[st.floats(0.0, 2.0, width=32)] * 3, st.floats(1e-9, 1e-3), *[st.floats(0.0, 1.0)] * 4)


def test_it_is_the_adamw_of_paddle() -> None:
    ends = []
    for kind in (HostAdamW, PaddleAdamW):
        paddle.seed(1)
        net = Net()
        adamw = kind(net, SETTINGS)
        steps(net, adamw, range(30), factor=0.25)
        ends.append(weights(net) | optimiser.state(adamw))
    one, other = ends
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.shape == other[name].shape
        np.testing.assert_allclose(array, other[name], rtol=2e-5, atol=1e-6, err_msg=name)


@pytest.mark.skipif(kernel.load() is None, reason="the extension is not built")
@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(FINITE, FINITE, FINITE, st.floats(0.0, 1e4, width=32)), max_size=40), NUMBERS, st.integers(0, 3)
)
def test_the_kernel_gives_the_bits_of_the_plain_one(
    rows: list[tuple[float, ...]], numbers: tuple[float, ...], offset: int
) -> None:
    columns = np.array(rows, "float32").reshape(len(rows), 4).T
    one, other = ([np.concatenate([np.zeros(offset, "float32"), c])[offset:] for c in columns] for _ in range(2))
    compiled = kernel.load()
    assert compiled is not None
    compiled.update(*(array.__array_interface__["data"][0] for array in one), len(rows), *numbers)
    host.plain(other, *numbers)
    assert [a.tobytes() for a in one] == [b.tobytes() for b in other]


def test_a_training_without_the_kernel_has_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    def trained() -> list[bytes]:
        paddle.seed(1)
        net = Net()
        adamw = HostAdamW(net, SETTINGS)
        steps(net, adamw, range(5))
        return [array.tobytes() for array in (weights(net) | optimiser.state(adamw)).values()]

    found = trained()
    monkeypatch.setattr(kernel, "load", lambda: None)
    assert trained() == found


@pytest.mark.parametrize("cuts", [[0, 16], [0, 1, 16], [0, 3, 8, 9, 16], list(range(17))])
def test_parts_come_to_the_bits_of_the_whole(cuts: list[int]) -> None:
    """Those who share the moments, as processes of one machine do, make one step together."""
    ends = []
    for divided in (False, True):
        paddle.seed(2)
        net = Net()
        memory = np.zeros(2 * sum(int(p.size) for p in net.parameters()), "float32")
        ranks = [
            HostAdamW(net, SETTINGS, memory=lambda size, memory=memory: memory)
            for _ in range(len(cuts) - 1 if divided else 1)
        ]
        for number in range(4):
            x = np.random.RandomState(number).rand(3, 4).astype("float32")
            net(paddle.to_tensor(x)).square().sum().backward()
            for rank, adamw in enumerate(ranks):
                own = {name: [(cuts[rank], min(cuts[rank + 1], int(p.size)))] for name, p in net.named_parameters()}
                own = {name: parts for name, parts in own.items() if parts[0][0] < parts[0][1]}
                adamw.step(0.01, 1.0, own if divided else None)
            gradients.let_go(net)
        ends.append([array.tobytes() for array in (weights(net) | optimiser.state(ranks[-1])).values()])
    assert ends[0] == ends[1]


def test_what_has_no_gradient_stays_and_so_does_its_state() -> None:
    net = Net()
    adamw = HostAdamW(net, SETTINGS)
    before, state = weights(net), optimiser.state(adamw)
    net.linear(paddle.ones([2, 4])).sum().backward()
    adamw.step(0.1)
    after = optimiser.state(adamw)
    moved = {key.rpartition(".")[0] for key in state if not np.array_equal(after[key], state[key])}
    assert after.keys() == state.keys() and moved == {"linear.weight", "linear.bias"}
    assert np.array_equal(net.norm.weight.numpy(), before["norm.weight"])


def test_a_tensor_that_is_laid_elsewhere_stays_there() -> None:
    layer, place = paddle.nn.Linear(3, 2), np.zeros(6, "float32")
    before, tensor = layer.weight.numpy().copy(), layer.weight
    flat.lay(tensor, place)
    assert np.array_equal(place.reshape(3, 2), before) and np.array_equal(layer.weight.numpy(), before)
    place[0] = 7.0
    assert float(layer(paddle.to_tensor([[1.0, 0.0, 0.0]]))[0, 0]) == 7.0
    layer.weight.set_value(before + 1)
    layer.set_state_dict({"weight": before + 2, "bias": layer.bias})
    assert np.array_equal(place.reshape(3, 2), before + 2)


def test_only_rows_of_float32_are_seen_flat() -> None:
    x = paddle.ones([2, 3])
    flat.view(x)[:] = 5.0
    assert float(x.sum()) == 30.0
    with pytest.raises(TypeError, match="not contiguous"):
        flat.view(x.transpose([1, 0]))
    with pytest.raises(TypeError, match="float16"):
        flat.view(x.astype("float16"))
