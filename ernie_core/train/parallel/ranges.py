"""Gradients of the processes of one machine: each adds up a part of all numbers.

The numbers of all arrays lie behind each other and are cut into windows, and each window into a range for every rank:
as much work for every rank, however many there are and whatever the arrays, and equal bits on all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ernie_core.train.parallel.meeting import Near

_CHUNK = 1 << 16
"""Numbers that are added up together: as many as the processor's cache holds."""


@dataclass(frozen=True)
class Piece:
    """Part of an array: its numbers from `start` to `stop` lie from `at` on in a window."""

    array: int
    start: int
    stop: int
    at: int

    def of(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """The numbers themselves."""
        return arrays[self.array][self.start : self.stop]

    def there(self, slot: np.ndarray) -> np.ndarray:
        """Their place in a window."""
        return slot[self.at : self.at + self.stop - self.start]


class Ranges:
    """Who has which numbers of arrays with these names and sizes."""

    def __init__(self, near: Near, sizes: Mapping[str, int]) -> None:
        self.near, self.sizes = near, dict(sizes)
        self.windows = list(_windows(list(sizes.values()), near.world, near.slots.shape[-1]))
        names = list(sizes)
        self.own: dict[str, list[tuple[int, int]]] = {}
        """The numbers of this rank: of each array that it has a part of, from where to where."""
        for window in self.windows:
            for piece in window[near.rank]:
                self.own.setdefault(names[piece.array], []).append((piece.start, piece.stop))

    def add_up(self, arrays: Sequence[np.ndarray]) -> float:
        """Replace this rank's own numbers by their sums over the ranks, in the order of the ranks.

        Returns the sum of the squares of all sums, in whatever range they are.
        """
        squares = 0.0
        for window in self.windows:
            slots = self.near.half
            for rank, pieces in enumerate(window):
                if rank != self.near.rank:
                    for piece in pieces:
                        np.copyto(piece.there(slots[self.near.rank]), piece.of(arrays))
            self.near.meet()
            with np.errstate(over="ignore", invalid="ignore"):  # what overflows is seen by its norm
                squares += sum(self._add_up(piece, arrays, slots) for piece in window[self.near.rank])
        return float(self.near.sum(np.array([squares]))[0])

    def _add_up(self, piece: Piece, arrays: Sequence[np.ndarray], slots: np.ndarray) -> float:
        """Only this rank reads these places of the slots now, so the first takes what is added up on the way."""
        own, rows, squares = piece.of(arrays), [piece.there(slot) for slot in slots], 0.0
        rows[self.near.rank] = own
        for start in range(0, own.size, _CHUNK):
            first, *others = (row[start : start + _CHUNK] for row in rows)
            for row in others[:-1]:
                first += row
            total = np.add(first, others[-1], out=own[start : start + _CHUNK])
            squares += float(np.dot(total, total))
        return squares


def _windows(sizes: Sequence[int], world: int, window: int) -> Iterator[list[list[Piece]]]:
    """For each window the pieces of every rank."""
    total = sum(sizes)
    for start in range(0, total, window):
        size = min(window, total - start)
        ends = [size * rank // world for rank in range(world + 1)]
        yield [list(_pieces(sizes, start, start + begin, start + end)) for begin, end in pairwise(ends)]


def _pieces(sizes: Sequence[int], window: int, begin: int, end: int) -> Iterator[Piece]:
    """What lies from `begin` to `end`, with places that count from the beginning of the window."""
    first = 0
    for array, size in enumerate(sizes):
        start, stop = max(begin, first), min(end, first + size)
        if start < stop:
            yield Piece(array, start - first, stop - first, start - window)
        first += size
