"""Sums over the processes of one machine, through memory that they share: its loopback network takes thrice as long.

The values are cut into windows. Of each, every rank writes its own into its slot, adds up one share of all slots, and
reads the whole sum: as much work for every rank, however many there are, and equal bits on all.
"""

import mmap
import os
import secrets
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import paddle

    from ernie_core.train.team import Team

FOLDER = Path("/dev/shm")
ROOM = 48 << 20
"""Bytes for all ranks together: a container has 64 MiB of such memory unless it is given more."""

_PIECE = 1 << 16
"""Numbers that are added up together: as many as the processor's cache holds."""


@dataclass(frozen=True)
class Near:
    """Memory of a team whose processes all see it."""

    rank: int
    slots: np.ndarray
    """A row of float32 for each rank, and the last for the sum."""
    squares: np.ndarray
    """For each rank the sum, in float64, of the squares in its share of the sum."""
    arrive: Callable[[], None]
    """Returns when every rank has called it; an error if one is lost."""

    def add_up(self, tensors: "Sequence[paddle.Tensor]") -> float:
        """Replace each tensor by its sum over the ranks: float32 on the host, of the same sizes on all ranks.

        Returns the sum of the squares of all their numbers.
        """
        import paddle

        *all_own, total = self.slots
        squares, laid = 0.0, [tensor if tensor.is_contiguous() else tensor.contiguous() for tensor in tensors]
        for window in _windows([np.asarray(_Laid(tensor)) for tensor in laid], total.size):
            size = _move(window, all_own[self.rank], into=True)
            self.arrive()
            with np.errstate(over="ignore", invalid="ignore"):  # what overflows is seen by its norm
                self.squares[self.rank] = self._add_share(size)
            self.arrive()  # nobody writes sums again before everyone is back at the first of the two, done with reading
            squares += float(self.squares.sum())
            _move(window, total, into=False)
        for tensor, row in zip(tensors, laid, strict=True):
            if row is not tensor:
                paddle.assign(row, tensor)
        return squares

    def _add_share(self, size: int) -> float:
        """Add up one share of a window, in the order of the ranks; the sum of its squares."""
        *all_own, total = self.slots
        world, squares = len(all_own), 0.0
        end = size * (self.rank + 1) // world
        for start in range(size * self.rank // world, end, _PIECE):
            here = slice(start, min(end, start + _PIECE))
            np.add(all_own[0][here], all_own[1][here], out=total[here])
            for other in all_own[2:]:
                total[here] += other[here]
            squares += float(np.dot(total[here], total[here]))
        return squares


def open_near(team: "Team", arrive: Callable[[], None], room: int = ROOM) -> Near | None:
    """The shared memory of a team; None, for every rank alike, if they are on several machines or lack the room.

    The file has no name once it is open everywhere: the memory ends with its processes, however they end.
    """
    window = room // (4 * (team.world + 1))
    path, size = FOLDER / f"ernie-{team.first(secrets.token_hex(16))}", 4 * window * (team.world + 1) + 8 * team.world
    try:
        memory = None
        if team.rank == 0:
            memory = _map(path, size, os.O_CREAT | os.O_EXCL)
        team.barrier()
        if team.rank != 0:
            memory = _map(path, size, 0)
        everyone = all(team.gather(memory is not None))
    finally:
        if team.rank == 0:
            path.unlink(missing_ok=True)
    if memory is None or not everyone:
        return None
    slots = np.frombuffer(memory, np.float32, window * (team.world + 1)).reshape(team.world + 1, window)
    return Near(team.rank, slots, np.frombuffer(memory, np.float64, offset=slots.nbytes), arrive)


def _map(path: Path, size: int, flags: int) -> mmap.mmap | None:
    """The file in memory; None if it cannot be had: a full one would end the process at its first use."""
    try:
        file = os.open(path, os.O_RDWR | flags, 0o600)
    except OSError:
        return None
    try:
        os.posix_fallocate(file, 0, size)
        return mmap.mmap(file, size)
    except OSError:
        return None
    finally:
        os.close(file)


class _Laid:
    """Where the numbers of a tensor are, said as numpy wants to hear it: in a row, and to be changed there."""

    def __init__(self, tensor: "paddle.Tensor") -> None:
        self.tensor = tensor
        data, shape = (tensor.data_ptr(), False), (int(tensor.size),)
        self.__array_interface__ = {"version": 3, "typestr": np.dtype(np.float32).str, "data": data, "shape": shape}


def _windows(arrays: Sequence[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
    """The same numbers in the same order, in lists of at most `size`."""
    window, room = [], size
    for array in arrays:
        start = 0
        while start < array.size:
            window.append(part := array[start : start + room])
            start, room = start + part.size, room - part.size
            if not room:
                yield window
                window, room = [], size
    if window:
        yield window


def _move(window: Sequence[np.ndarray], slot: np.ndarray, *, into: bool) -> int:
    """Copy the numbers of a window into a slot, or out of it; how many they are."""
    at = 0
    for part in window:
        there = slot[at : at + part.size]
        at += part.size
        np.copyto(*((there, part) if into else (part, there)))
    return at
