"""Copies of tensors in host memory, made fast: training stands still meanwhile."""

import math
import os
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import paddle
from paddle.utils import dlpack

from ernie_core.model.weights import Arrays

THREADS = 4
"""Copies at a time: one core does not use the whole memory bus, and more than a few gain nothing."""


SMALL = 1 << 13
"""Numbers below which a copy costs less than the way to do without it."""


class Copies:
    """Memory for copies, used again by the next ones: fresh memory costs ten times as much as the copy itself."""

    def __init__(self) -> None:
        self._memory: Arrays = {}

    def reserve(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Touch memory for float32 copies before they are needed."""
        for name, shape in shapes.items():
            self._memory.setdefault(name, np.empty(shape, "float32")).fill(0.0)

    def take(self, tensors: Mapping[str, paddle.Tensor]) -> Arrays:
        """Copy everything; a tensor with two names is copied once. What an earlier call returned is overwritten."""
        owners: dict[int, str] = {}  # a tensor -> the first of its names
        for name, tensor in tensors.items():
            owners.setdefault(id(tensor), name)
        left = deque(owners.values())
        copied: Arrays = {}

        def work(_: int) -> None:
            while True:
                try:
                    name = left.popleft()
                except IndexError:
                    return
                copied[name] = self._copy(name, tensors[name])

        threads = min(THREADS, len(os.sched_getaffinity(0)))
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
        self._memory = copied
        return {name: copied[owners[id(tensor)]] for name, tensor in tensors.items()}

    def _copy(self, name: str, tensor: paddle.Tensor) -> np.ndarray:
        found = _view(tensor)
        kept = self._memory.get(name)
        if kept is None or kept.shape != found.shape or kept.dtype != found.dtype:
            kept = np.empty(found.shape, found.dtype)
        np.copyto(kept, found)
        return kept


class _Exported:
    """A tensor as numpy wants to be handed one."""

    def __init__(self, tensor: paddle.Tensor) -> None:
        self.tensor = tensor

    def __dlpack__(self, **_: object) -> object:
        return dlpack.to_dlpack(self.tensor)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def _view(tensor: paddle.Tensor) -> np.ndarray:
    """The values as they lie in memory; what is small, in half precision or on a device comes as a copy."""
    if tensor.dtype != paddle.float32:
        tensor = tensor.astype("float32")
    if math.prod(tensor.shape) < SMALL or not tensor.place.is_cpu_place():
        return np.asarray(tensor.numpy())
    return np.from_dlpack(_Exported(tensor))
