"""Memory shared by the processes of one machine: made by one, opened by the others, freed when all have ended."""

import mmap
import os
import secrets
from pathlib import Path

import numpy as np

from ernie_core.errors import Error
from ernie_core.train.native import kernel
from ernie_core.train.parallel.meeting import SharedMemory
from ernie_core.train.parallel.team import Team

WINDOW = 1 << 21
"""Number of elements that are exchanged at a time: 8 MiB for each rank and half."""
_LINE = 8
"""Distance between counters in int64, as in host.h."""
_NONCE = 16
_NAME = "ernie-shared-memory"
"""Name shown in /proc; several blocks of memory may have it."""


def open_shared(team: Team, window: int = WINDOW) -> SharedMemory | None:
    """The shared memory of a team; None on every rank if they are on several machines or it is not available."""
    size, apart = 8 * team.world * window, 8 * _LINE * team.world
    memory = share(team, size + apart) if all(team.gather(kernel.load() is not None)) else None
    if memory is None:
        return None
    peers = _watch(team.gather(os.getpid()))  # type: ignore[arg-type]
    if not all(team.gather(peers is not None)) or peers is None:
        return None
    slots = np.frombuffer(memory, np.float32, size // 4).reshape(2, team.world, window)
    return SharedMemory(team.rank, slots, np.frombuffer(memory, np.int64, apart // 8, offset=size), peers)


def share(team: Team, size: int) -> mmap.mmap | None:
    """Zeros in memory shared by all ranks, in bytes; None on every rank if that is not available.

    The memory has no name in any file system and ends with its processes, however they end. The others open it through
    /proc of rank 0, and recognise it by a secret number: on another machine the same path is another process's.
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
    """`count` zeros, as float32, shared by all ranks; an error on every rank if that is not available."""
    memory = share(team, 4 * count)
    if memory is None:
        raise Error(
            f"rank {team.rank}: could not allocate {4 * count / 1e6:.0f} MB of shared memory for the processes here"
        )
    return np.frombuffer(memory, np.float32, count)


def _make(size: int) -> tuple[mmap.mmap, int] | None:
    """Memory and its descriptor; None where the system does not support it, or has no space."""
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
    """The memory of rank 0, if it is there; anything else is not even opened."""
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
    """Descriptors that become readable when a process ends; unlike PIDs they are never reused."""
    try:
        return tuple(os.pidfd_open(number) for number in processes)
    except (AttributeError, OSError):
        return None
