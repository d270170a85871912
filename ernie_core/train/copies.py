"""Copies of tensors in host memory, made while training goes on; what they are made of must not change meanwhile."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import paddle

from ernie_core.model.weights import Arrays
from ernie_core.train import flat

SMALL = 1 << 13
"""Numbers below which a copy costs less than the way to do without it."""


Values: TypeAlias = "paddle.Tensor | np.ndarray"


@dataclass(frozen=True)
class Seen:
    """The values of a tensor."""

    values: np.ndarray
    lent: bool
    """Whether this is the tensor's own memory, so that whoever changes the tensor changes the values."""


def look(tensors: Mapping[str, Values]) -> dict[str, Seen]:
    """The values of tensors and arrays at once, in whatever memory; a tensor with two names is seen as one.

    What is small, in half precision or on a device comes as a copy: only what is big and float32 on the host is lent.
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
        """Copy what is lent, in one thread and mostly without the interpreter's lock.

        What an earlier call returned is overwritten.
        """
        copied: dict[int, np.ndarray] = {}
        for name, one in seen.items():
            if id(one) not in copied:
                copied[id(one)] = self._copy(name, one.values) if one.lent else one.values
        return {name: copied[id(one)] for name, one in seen.items()}

    def _copy(self, name: str, values: np.ndarray) -> np.ndarray:
        kept = self._memory.get(name)
        if kept is None or kept.shape != values.shape:
            kept = self._memory[name] = np.empty(values.shape, values.dtype)
        np.copyto(kept, values)
        return kept


def _look(tensor: Values) -> Seen:
    if isinstance(tensor, np.ndarray):
        return Seen(tensor, lent=True) if tensor.size >= SMALL else Seen(tensor.copy(), lent=False)
    if tensor.dtype != paddle.float32:
        tensor = tensor.astype("float32")
    if math.prod(tensor.shape) < SMALL or not tensor.place.is_cpu_place():
        return Seen(np.asarray(tensor.numpy()), lent=False)
    return Seen(flat.view(tensor).reshape(tensor.shape), lent=True)
