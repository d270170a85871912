"""Copies of tensors in host memory, made while training goes on; what they are made of must not change meanwhile."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import paddle

from ernie_core.model.weights import Arrays
from ernie_core.train.native import flat

SMALL = 1 << 13
"""Numbers below which a copy costs less than the way to do without it."""
_PAUSE = 0.001
"""Seconds between two looks whether a copy has come from a device: CUDA would wait with the interpreter's lock held."""


Values: TypeAlias = "paddle.Tensor | np.ndarray"


class Coming:
    """The values of a tensor on their way from a device to pinned memory of the host.

    The copy lies in the device's own stream, after the steps so far. Read against Paddle's sources, never run.
    """

    def __init__(self, tensor: paddle.Tensor) -> None:
        self._pinned = tensor.pin_memory(blocking=False)
        self._there = paddle.device.Event()
        self._there.record()

    def wait(self) -> np.ndarray:
        """The values in float32, as soon as they are there."""
        while not self._there.query():
            time.sleep(_PAUSE)
        return float32(self._pinned.numpy())


@dataclass(frozen=True)
class Seen:
    """The values of a tensor: here, or coming from a device."""

    values: np.ndarray | Coming
    lent: bool
    """Whether the tensor must stay as it is until `Copies.take` has returned: what is here is its own memory, or what
    is coming may not have left it yet."""


def look(tensors: Mapping[str, Values]) -> dict[str, Seen]:
    """The values of tensors and arrays at once, in whatever memory; a tensor with two names is seen as one.

    What is big is lent; of devices nothing is waited for. What is small, or in half precision, comes from the host as a
    copy.
    """
    seen: dict[int, Seen] = {}
    for tensor in tensors.values():
        if id(tensor) not in seen:
            seen[id(tensor)] = _look(tensor)
    return {name: seen[id(tensor)] for name, tensor in tensors.items()}


class Copies:
    """Memory for copies, used again by the next ones: fresh memory costs several times as much as the copy itself."""

    def __init__(self) -> None:
        self._memory: Arrays = {}

    def take(self, seen: Mapping[str, Seen]) -> Arrays:
        """Copy what is lent, in one thread and mostly without the interpreter's lock, and wait for what is coming.

        Only then may the tensors change. What an earlier call returned is overwritten.
        """
        copied: dict[int, np.ndarray] = {}
        for name, one in seen.items():
            if id(one) not in copied:
                copied[id(one)] = self._take(name, one)
        return {name: copied[id(one)] for name, one in seen.items()}

    def _take(self, name: str, one: Seen) -> np.ndarray:
        if isinstance(one.values, Coming):
            return one.values.wait()
        return self._copy(name, one.values) if one.lent else one.values

    def _copy(self, name: str, values: np.ndarray) -> np.ndarray:
        kept = self._memory.get(name)
        if kept is None or kept.shape != values.shape:
            kept = self._memory[name] = np.empty(values.shape, values.dtype)
        np.copyto(kept, values)
        return kept


def float32(values: np.ndarray) -> np.ndarray:
    """Numbers of a tensor of any precision; numpy has no bfloat16, which Paddle gives it as uint16: its upper half."""
    if values.dtype == np.uint16:
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float32, copy=False)


def _on_host(tensor: paddle.Tensor) -> bool:
    return bool(tensor.place.is_cpu_place())


def _look(tensor: Values) -> Seen:
    if isinstance(tensor, np.ndarray):
        return Seen(tensor, lent=True) if tensor.size >= SMALL else Seen(tensor.copy(), lent=False)
    if not _on_host(tensor):
        return Seen(Coming(tensor), lent=True)
    if tensor.dtype != paddle.float32:
        return Seen(float32(tensor.numpy()), lent=False)
    if math.prod(tensor.shape) < SMALL:
        return Seen(np.asarray(tensor.numpy()), lent=False)
    return Seen(flat.view(tensor).reshape(tensor.shape), lent=True)
