"""Copies of tensors: at once or later, of the host or of a device, in whatever precision, and always float32."""

import threading
import time
from pathlib import Path

import numpy as np
import paddle
import pytest
from train import ranks

from ernie_core.store import open_store
from ernie_core.train.checkpoint import commit, copies, snapshot
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.checkpoint.copies import Copies
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.parallel.team import Team


class Device:
    """Tensors of the host as if they were on a device, from which they come once `go` is set."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked = 0


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    made = Device()

    class DeviceCopy(copies.DeviceCopy):
        def __init__(self, tensor: paddle.Tensor) -> None:
            made.asked += 1
            self.tensor = tensor

        def wait(self) -> np.ndarray:
            assert made.go.wait(60)
            time.sleep(0.001)
            return copies.float32(self.tensor.numpy())

    monkeypatch.setattr(copies, "DeviceCopy", DeviceCopy)
    monkeypatch.setattr(copies, "_on_host", lambda tensor: False)
    return made


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("size", [3, copies.SMALL])
def test_every_precision_is_float32_of_the_same_numbers(dtype: str, size: int) -> None:
    tensor = paddle.to_tensor(np.linspace(-3, 3, size, dtype="float32")).astype(dtype)
    wanted = tensor.astype("float32").numpy()
    found = Copies().take(copies.capture({"x": tensor}))["x"]
    assert found.dtype == np.float32 and np.array_equal(found, wanted)
    assert np.array_equal(copies.float32(tensor.numpy()), wanted)


def test_only_what_is_lent_follows_its_tensor() -> None:
    big, small = paddle.zeros([copies.SMALL]), paddle.zeros([2])
    half = paddle.zeros([copies.SMALL], "float16")
    seen = copies.capture({"big": big, "small": small, "half": half})
    assert {name: one.lent for name, one in seen.items()} == {"big": True, "small": False, "half": False}
    for tensor in (big, small, half):
        tensor.set_value(paddle.ones_like(tensor))
    found = Copies().take(seen)
    assert [float(found[name][0]) for name in ("big", "small", "half")] == [1.0, 0.0, 0.0]


def test_a_device_is_not_waited_for_until_the_copies_are_taken(device: Device) -> None:
    tensor = paddle.ones([2, 2])
    seen = copies.capture({"x": tensor, "tied": tensor})
    assert device.asked == 1 and seen["x"].lent, "an update must wait for it"
    device.go.set()
    found = Copies().take(seen)
    assert found["x"] is found["tied"] and np.array_equal(found["x"], np.ones((2, 2)))


def test_a_save_returns_before_a_device_has_answered_and_the_next_update_waits(tmp_path: Path, device: Device) -> None:
    place = CheckpointLocation(open_store(tmp_path / "store"), "pretrain/x", tmp_path / "scratch")
    net, adamw = ranks.build()
    ranks.train(net, adamw, 1)
    before = ranks.state(net, adamw)
    saver = Saver(place, Team(), [].append)
    ranks.save(saver, 1, net, adamw, ranks.vocabulary(place))
    assert device.asked == len({id(tensor) for tensor in net.state_dict().values()})
    waiting = threading.Thread(target=saver.before_update)
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    device.go.set()
    waiting.join(60)
    assert not waiting.is_alive()
    ranks.train(net, adamw, 2, saver)
    saver.wait()
    found = commit.latest(place, [].append)
    other, moved = ranks.build(seed=9)
    assert found is not None and snapshot.read(found.folder, other, moved, ranks.IDENTITY)[0].step == 1
    assert ranks.state(other, moved) == before != ranks.state(net, adamw)
