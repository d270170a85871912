"""How the processes of one machine meet in memory that they share, and add up numbers there without a network.

The memory has two halves that take turns. A rank writes into its slots of one, meets the others, and reads theirs;
before it writes there again it has met them once more, and so they are done with reading.
"""

import select
from dataclasses import dataclass

import numpy as np

from ernie_core.errors import Unreachable
from ernie_core.train.native import kernel
from ernie_core.waiting import Wait

PATIENCE = 7200.0
"""Seconds that a rank waits for the others: one of them may build an index meanwhile, or wait for a store that is away
to write a checkpoint. That one has died is seen at once."""

_LOOK = 0.5
"""Seconds after which a rank that waits looks whether the others are alive."""


@dataclass
class Near:
    """What one rank has of the memory that all share."""

    rank: int
    slots: np.ndarray
    """float32 [2, ranks, window]."""
    counters: np.ndarray
    peers: tuple[int, ...]
    """For each rank a descriptor that can be read once its process has ended."""
    turn: int = 0

    @property
    def world(self) -> int:
        """How many ranks there are."""
        return int(self.slots.shape[1])

    @property
    def half(self) -> np.ndarray:
        """The slots [ranks, window] to write to now, and to read from after the next meeting."""
        return self.slots[self.turn % 2]  # type: ignore[no-any-return]

    def meet(self) -> None:
        """Return when every rank is here; an error if one has ended."""
        self.turn += 1
        wait: Wait | None = None
        while not self._here(_LOOK):
            for rank, peer in enumerate(self.peers):
                if _ended(peer) and not self._here(0.0):
                    raise Unreachable(f"rank {self.rank}: the process of rank {rank} has ended")
            wait = wait or Wait(f"rank {self.rank} waits for the other processes", PATIENCE)
            wait.more()

    def sum(self, values: np.ndarray) -> np.ndarray:
        """The sum of a few numbers over the ranks, in float64 and in the order of the ranks."""
        rows = self.half.view(np.float64)[:, : values.size]
        rows[self.rank] = values.reshape(-1)
        self.meet()
        total = np.zeros(values.size)
        for row in rows:
            total += row
        return total.reshape(values.shape)

    def _here(self, seconds: float) -> bool:
        host = kernel.load()
        assert host is not None  # open_near has seen it
        at = self.counters.__array_interface__["data"][0]
        return bool(host.meet(at, self.rank, self.world, self.turn, seconds))


def _ended(peer: int) -> bool:
    poll = select.poll()
    poll.register(peer, select.POLLIN)
    return bool(poll.poll(0))
