"""Memory that the processes of one machine share: made by one, found by the others, gone with all of them."""

import mmap
import os
import secrets
from pathlib import Path

import numpy as np

from ernie_core.errors import Error
from ernie_core.train.native import kernel
from ernie_core.train.parallel.meeting import Near
from ernie_core.train.parallel.team import Team

WINDOW = 1 << 21
"""Numbers that are exchanged together: 8 MiB for each rank and half."""
_LINE = 8
"""Whole numbers from one counter to the next, as in host.h."""
_NONCE = 16
_NAME = "ernie-near"
"""For those who look at a process; several may have memory of this name."""


def open_near(team: Team, window: int = WINDOW) -> Near | None:
    """The shared memory of a team; None, for every rank alike, if they are on several machines or cannot have it."""
    size, apart = 8 * team.world * window, 8 * _LINE * team.world
    memory = share(team, size + apart) if all(team.gather(kernel.load() is not None)) else None
    if memory is None:
        return None
    peers = _watch(team.gather(os.getpid()))  # type: ignore[arg-type]
    if not all(team.gather(peers is not None)) or peers is None:
        return None
    slots = np.frombuffer(memory, np.float32, size // 4).reshape(2, team.world, window)
    return Near(team.rank, slots, np.frombuffer(memory, np.int64, apart // 8, offset=size), peers)


def share(team: Team, size: int) -> mmap.mmap | None:
    """Zeros that all ranks see; None, for every rank alike, if that cannot be had.

    The memory has no name in any file system and ends with its processes, however they end. It is found through the
    process of rank 0, and known by a number that only this team can know: elsewhere the same place is another's.
    """
    memory, made = None, None
    if team.rank == 0:
        made = _make(size + _NONCE)
        if made is not None:
            memory, nonce = made[0], secrets.token_bytes(_NONCE)
            memory[size:] = nonce
    there = team.first(made and (f"/proc/{os.getpid()}/fd/{made[1]}", nonce))
    if there is not None and team.rank != 0:
        memory = _find(Path(there[0]), size + _NONCE, there[1])
    everyone = all(team.gather(memory is not None))
    if made is not None:
        os.close(made[1])
    return memory if everyone else None


def zeros(team: Team, count: int) -> np.ndarray:
    """So many zeros, as float32, that all ranks see; an error on every rank if that cannot be had."""
    memory = share(team, 4 * count)
    if memory is None:
        raise Error(f"rank {team.rank}: the processes of this machine could not get {4 * count / 1e6:.0f} MB to share")
    return np.frombuffer(memory, np.float32, count)


def _make(size: int) -> tuple[mmap.mmap, int] | None:
    """Memory and its descriptor; None where the system has nothing of the kind, or no room."""
    try:
        file = os.memfd_create(_NAME, os.MFD_CLOEXEC)
    except (AttributeError, OSError):
        return None
    try:
        os.ftruncate(file, size)
        return mmap.mmap(file, size), file
    except OSError:
        os.close(file)
        return None


def _find(path: Path, size: int, nonce: bytes) -> mmap.mmap | None:
    """The memory that rank 0 made, if this is it; what else may be there is not even opened."""
    try:
        if not os.readlink(path).startswith(f"/memfd:{_NAME}"):
            return None
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        memory = mmap.mmap(file, size) if os.fstat(file).st_size == size else None
        return memory if memory is not None and memory[-_NONCE:] == nonce else None
    except OSError:
        return None
    finally:
        os.close(file)


def _watch(processes: list[int]) -> tuple[int, ...] | None:
    """Descriptors that tell when a process has ended, as a number that another may get cannot."""
    try:
        return tuple(os.pidfd_open(number) for number in processes)
    except (AttributeError, OSError):
        return None
