"""Gradients of the processes of one machine: each process adds up a part of all elements.

The concatenated elements of all arrays are split into windows, and each window into a range per rank: equal work for
any number of ranks and any arrays, and equal bits on all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ernie_core.train.parallel.meeting import SharedMemory

_CHUNK = 1 << 16
"""Number of elements that are added up at a time: they fit in the processor's cache."""


@dataclass(frozen=True)
class Slice:
    """Part of an array: its elements [start, stop) are at offset `at` of a window."""

    array: int
    start: int
    stop: int
    at: int

    def of(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """The elements as a view of their array."""
        return arrays[self.array][self.start : self.stop]

    def there(self, slot: np.ndarray) -> np.ndarray:
        """Their place in a rank's slot of a window."""
        return slot[self.at : self.at + self.stop - self.start]


class Ranges:
    """The division of arrays with these names and sizes among the ranks."""

    def __init__(self, shared: SharedMemory, sizes: Mapping[str, int]) -> None:
        self.shared, self.sizes = shared, dict(sizes)
        self.windows = list(_windows(list(sizes.values()), shared.world, shared.slots.shape[-1]))
        names = list(sizes)
        self.own: dict[str, list[tuple[int, int]]] = {}
        """This rank's ranges [start, stop) of each array, by name."""
        for window in self.windows:
            for piece in window[shared.rank]:
                self.own.setdefault(names[piece.array], []).append((piece.start, piece.stop))

    def add_up(self, arrays: Sequence[np.ndarray]) -> float:
        """Replace this rank's own elements by their sums over the ranks, added in the order of the ranks.

        Returns the sum of the squares of all sums, over all ranges.
        """
        squares = 0.0
        for window in self.windows:
            slots = self.shared.half
            for rank, pieces in enumerate(window):
                if rank != self.shared.rank:
                    for piece in pieces:
                        np.copyto(piece.there(slots[self.shared.rank]), piece.of(arrays))
            self.shared.meet()
            with np.errstate(over="ignore", invalid="ignore"):  # the norm shows an overflow
                squares += sum(self._add_up(piece, arrays, slots) for piece in window[self.shared.rank])
        return float(self.shared.sum(np.array([squares]))[0])

    def _add_up(self, piece: Slice, arrays: Sequence[np.ndarray], slots: np.ndarray) -> float:
        """Add up one slice. Only this rank reads these places of the slots now, so the first holds partial sums."""
        own, rows, squares = piece.of(arrays), [piece.there(slot) for slot in slots], 0.0
        rows[self.shared.rank] = own
        for start in range(0, own.size, _CHUNK):
            first, *others = (row[start : start + _CHUNK] for row in rows)
            for row in others[:-1]:
                first += row
            total = np.add(first, others[-1], out=own[start : start + _CHUNK])
            squares += float(np.dot(total, total))
        return squares


def _windows(sizes: Sequence[int], world: int, window: int) -> Iterator[list[list[Slice]]]:
    """For each window the slices of every rank."""
    total = sum(sizes)
    for start in range(0, total, window):
        size = min(window, total - start)
        ends = [size * rank // world for rank in range(world + 1)]
        yield [list(_pieces(sizes, start, start + begin, start + end)) for begin, end in pairwise(ends)]


def _pieces(sizes: Sequence[int], window: int, begin: int, end: int) -> Iterator[Slice]:
    """The slices from `begin` to `end` of all elements, with offsets from the beginning of the window."""
    first = 0
    for array, size in enumerate(sizes):
        start, stop = max(begin, first), min(end, first + size)
        if start < stop:
            yield Slice(array, start - first, stop - first, start - window)
        first += size
