"""The processes that train one model together, and their collective calls; with one process these cost nothing."""

import itertools
import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ernie_core.train.parallel.meeting import PATIENCE, SharedMemory
from ernie_core.waiting import Wait

if TYPE_CHECKING:
    import paddle

T = TypeVar("T")

_OFTEN, _SELDOM = 0.01, 0.5
"""Seconds between two checks: at first, and later."""


@dataclass(frozen=True)
class Team:
    """The processes that train one model together.

    All ranks make the same calls in order. `barrier`, `gather` and `first` wait for busy ranks; each costs 0.1 s.
    `mean`, `sum` and `any` are for every step; over a network they fail if a rank is half a minute late.
    """

    rank: int = 0
    world: int = 1
    local: int = 0
    """Rank among the processes of the machine or pod; rank 0 makes what is cached there."""
    shared: SharedMemory | None = field(default=None, repr=False, compare=False)
    """Memory shared by all ranks; None if they have none."""
    _turns: Iterator[int] = field(default_factory=itertools.count, repr=False, compare=False)

    def barrier(self) -> None:
        """Return when every rank has called it."""
        if self.world == 1:
            return
        if self.shared is not None:  # unlike counters it notices at once when a process ends
            self.shared.meet()
            return
        turn = next(self._turns)
        self._arrive(f"team/{turn}/here")
        self._arrive(f"team/{turn}/seen", wait=self.rank == 0)  # rank 0 serves the counters: it must leave last

    def gather(self, value: object) -> list[object]:
        """The values of all ranks, in the order of ranks."""
        if self.world == 1:
            return [value]
        return [pickle.loads(data) for data in self._exchange(pickle.dumps(value, protocol=4))]

    def first(self, value: T | None) -> T:
        """The value of rank 0, on all ranks; the others may pass None."""
        if self.world == 1:
            return value  # type: ignore[return-value]
        sent = pickle.dumps(value, protocol=4) if self.rank == 0 else b""
        return pickle.loads(self._exchange(sent)[0])  # type: ignore[no-any-return]

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean over the ranks, with equal bits on all of them."""
        return self.sum(values) / self.world

    def sum(self, values: np.ndarray) -> np.ndarray:
        """The sum over the ranks, with equal bits on all of them."""
        if self.world == 1:
            return np.array(values, dtype=np.float64)
        if self.shared is not None:
            return self.shared.sum(np.array(values, dtype=np.float64))
        import paddle

        total = paddle.to_tensor(np.array(values, dtype=np.float64))
        self.add_up([total])
        return np.asarray(total.numpy())

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any rank."""
        return flag if self.world == 1 else bool(self.sum(np.array([float(flag)]))[0])

    def add_up(self, tensors: "list[paddle.Tensor]") -> None:
        """Replace each tensor by its sum over the ranks."""
        if self.world > 1:
            import paddle.distributed as dist

            for tensor in tensors:
                dist.all_reduce(tensor)

    def reduce(self, tensor: "paddle.Tensor", owner: int) -> None:
        """Replace the tensor of one rank by the sum over all ranks; those of the others are undefined afterwards."""
        if self.world > 1:
            import paddle.distributed as dist

            dist.reduce(tensor, dst=owner)

    def hand_out(self, tensor: "paddle.Tensor", owner: int) -> None:
        """Replace a tensor on all ranks by that of its owner."""
        if self.world > 1:
            import paddle
            import paddle.distributed as dist

            with paddle.no_grad():
                dist.broadcast(tensor, src=owner)

    def _exchange(self, data: bytes) -> list[bytes]:
        self.barrier()
        sizes = [int(size[0]) for size in self._everyone(np.array([len(data)]))]
        padded = np.zeros(max(sizes), dtype=np.uint8)
        padded[: len(data)] = np.frombuffer(data, dtype=np.uint8)
        return [block.tobytes()[:size] for block, size in zip(self._everyone(padded), sizes, strict=True)]

    def _everyone(self, array: np.ndarray) -> list[np.ndarray]:
        import paddle
        import paddle.distributed as dist

        tensors: list[paddle.Tensor] = []
        dist.all_gather(tensors, paddle.to_tensor(array))
        return [tensor.numpy() for tensor in tensors]

    def _arrive(self, key: str, *, wait: bool = True) -> None:
        """Count this rank in, and wait for the others: gloo itself gives up on a busy process after 30 seconds."""
        from paddle.base import core

        store, pause = core.create_or_get_global_tcp_store(), _OFTEN
        here = store.add(key, 1)
        waiting = Wait(f"rank {self.rank} waits for the other processes", PATIENCE)
        while wait and here < self.world:
            waiting.more()
            time.sleep(pause)
            pause = min(_SELDOM, pause * 1.5)
            here = store.add(key, 0)


ALONE = Team()
"""A team of one process."""
