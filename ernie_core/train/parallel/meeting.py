"""Synchronising the processes of one machine in shared memory, and adding up numbers there without a network.

The memory has two halves that take turns. A rank writes to its slots of one, meets the others, and reads theirs. Before
it writes there again it has met them once more, so they have finished reading.
"""

import select
from dataclasses import dataclass

import numpy as np

from ernie_core.errors import Unreachable
from ernie_core.train.native import kernel
from ernie_core.waiting import Wait

PATIENCE = 7200.0
"""Most seconds that a rank waits for the others: one of them may build an index meanwhile, or wait for an unreachable
store to write a checkpoint. The death of one is noticed at once."""

_LOOK = 0.5
"""Seconds between two checks of a waiting rank that the others are alive."""


@dataclass
class SharedMemory:
    """One rank's view of the memory shared by all ranks of a machine."""

    rank: int
    slots: np.ndarray
    """float32 [2, ranks, window]."""
    counters: np.ndarray
    """int64, one counter per rank, each in its own cache line."""
    peers: tuple[int, ...]
    """A descriptor per rank that becomes readable when its process ends."""
    turn: int = 0

    @property
    def world(self) -> int:
        """Number of ranks."""
        return int(self.slots.shape[1])

    @property
    def half(self) -> np.ndarray:
        """The slots [ranks, window] to write now, and to read after the next `meet`."""
        return self.slots[self.turn % 2]  # type: ignore[no-any-return]

    def meet(self) -> None:
        """Return when every rank has called it; Unreachable if one has ended."""
        self.turn += 1
        wait: Wait | None = None
        while not self._here(_LOOK):
            for rank, peer in enumerate(self.peers):
                if _ended(peer) and not self._here(0.0):
                    raise Unreachable(f"rank {self.rank}: the process of rank {rank} has ended")
            wait = wait or Wait(f"rank {self.rank} waits for the other processes", PATIENCE)
            wait.more()

    def has_ended(self, rank: int) -> bool:
        """Whether the process of a rank has ended."""
        return _ended(self.peers[rank])

    def sum(self, values: np.ndarray) -> np.ndarray:
        """The sum of a small array over the ranks, in float64 and in the order of the ranks."""
        rows = self.half.view(np.float64)[:, : values.size]
        rows[self.rank] = values.reshape(-1)
        self.meet()
        total = np.zeros(values.size)
        for row in rows:
            total += row
        return total.reshape(values.shape)

    def _here(self, seconds: float) -> bool:
        host = kernel.load()
        assert host is not None  # open_shared has checked it
        at = self.counters.__array_interface__["data"][0]
        return bool(host.meet(at, self.rank, self.world, self.turn, seconds))


def _ended(peer: int) -> bool:
    poll = select.poll()
    poll.register(peer, select.POLLIN)
    return bool(poll.poll(0))
