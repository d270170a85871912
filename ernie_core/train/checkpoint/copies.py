"""Copies of tensors in host memory, made while training continues; the tensors must not change meanwhile."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import paddle

from ernie_core.model.arrays import Arrays
from ernie_core.train.native import flat

SMALL = 1 << 13
"""Number of elements below which an immediate copy is cheaper than a deferred one."""
_PAUSE = 0.001
"""Seconds between two checks for a copy from a device: CUDA itself would wait with the interpreter's lock held."""


Values: TypeAlias = "paddle.Tensor | np.ndarray"


class DeviceCopy:
    """The values of a tensor on their way from a device to pinned memory of the host.

    The copy is queued in the device's own stream, after the steps so far. Checked against Paddle's sources, never run.
    """

    def __init__(self, tensor: paddle.Tensor) -> None:
        self._pinned = tensor.pin_memory(blocking=False)
        self._there = paddle.device.Event()
        self._there.record()

    def wait(self) -> np.ndarray:
        """Wait for the values; returns them in float32."""
        while not self._there.query():
            time.sleep(_PAUSE)
        return float32(self._pinned.numpy())


@dataclass(frozen=True)
class Captured:
    """The values of a tensor: in host memory, or on their way from a device."""

    values: np.ndarray | DeviceCopy
    lent: bool
    """Whether the tensor must not change until `Copies.take` has returned: the values are its own memory, or their copy
    from the device may not be complete."""


def capture(tensors: Mapping[str, Values]) -> dict[str, Captured]:
    """The values of tensors and arrays, in any memory; a tensor with two names is captured once.

    It waits for no device. Big tensors are lent; small ones, and those in half precision, are copied at once.
    """
    captured: dict[int, Captured] = {}
    for tensor in tensors.values():
        if id(tensor) not in captured:
            captured[id(tensor)] = _capture(tensor)
    return {name: captured[id(tensor)] for name, tensor in tensors.items()}


class Copies:
    """Memory for copies, reused by later ones: fresh memory costs several times as much as the copy itself."""

    def __init__(self) -> None:
        self._memory: Arrays = {}

    def take(self, captured: Mapping[str, Captured]) -> Arrays:
        """Copy lent values, in one thread and mostly without the interpreter's lock, and wait for copies from devices.

        Only then may the tensors change. What an earlier call returned is overwritten.
        """
        copied: dict[int, np.ndarray] = {}
        for name, one in captured.items():
            if id(one) not in copied:
                copied[id(one)] = self._take(name, one)
        return {name: copied[id(one)] for name, one in captured.items()}

    def _take(self, name: str, one: Captured) -> np.ndarray:
        if isinstance(one.values, DeviceCopy):
            return one.values.wait()
        return self._copy(name, one.values) if one.lent else one.values

    def _copy(self, name: str, values: np.ndarray) -> np.ndarray:
        kept = self._memory.get(name)
        if kept is None or kept.shape != values.shape:
            kept = self._memory[name] = np.empty(values.shape, values.dtype)
        np.copyto(kept, values)
        return kept


def float32(values: np.ndarray) -> np.ndarray:
    """Values of any precision as float32; Paddle gives bfloat16 to numpy as uint16, the upper half of a float32."""
    if values.dtype == np.uint16:
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float32, copy=False)


def _on_host(tensor: paddle.Tensor) -> bool:
    return bool(tensor.place.is_cpu_place())


def _capture(tensor: Values) -> Captured:
    if isinstance(tensor, np.ndarray):
        return Captured(tensor, lent=True) if tensor.size >= SMALL else Captured(tensor.copy(), lent=False)
    if not _on_host(tensor):
        return Captured(DeviceCopy(tensor), lent=True)
    if tensor.dtype != paddle.float32:
        return Captured(float32(tensor.numpy()), lent=False)
    if math.prod(tensor.shape) < SMALL:
        return Captured(np.asarray(tensor.numpy()), lent=False)
    return Captured(flat.view(tensor).reshape(tensor.shape), lent=True)
