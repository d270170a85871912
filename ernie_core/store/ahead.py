"""A remote object read like a file from an offset to its end: the next bytes are fetched while these are used."""

import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Ranged = Callable[[int, int], memoryview]
"""Returns the bytes start:end; it retries by itself."""

FIRST, MOST = 1 << 20, 8 << 20
"""Bytes per request: the first, and the most. Short reads fetch little; longer ones get ever larger requests."""


def opened(ranged: Ranged, at: int, size: int) -> BinaryIO:
    """The object from `at` on. At most two responses are in memory: the one being read and the next."""
    return io.BufferedReader(_Ahead(ranged, at, size), FIRST)


class _Ahead(io.RawIOBase):
    def __init__(self, ranged: Ranged, at: int, size: int) -> None:
        super().__init__()
        self._ranged, self._at, self._size, self._step = ranged, at, size, FIRST
        self._held, self._used = memoryview(b""), 0
        self._pool = ThreadPoolExecutor(1)
        self._coming: Future[memoryview] | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """As many bytes as are at hand; none at the end."""
        if self._used == len(self._held) and not self._next():
            return 0
        view = memoryview(buffer)
        taken = min(len(view), len(self._held) - self._used)
        view[:taken] = self._held[self._used : self._used + taken]
        self._used += taken
        return taken

    def close(self) -> None:
        """Close at once; a request in flight is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        super().close()

    def _next(self) -> bool:
        is_sequential = self._step > FIRST
        coming = self._coming or self._ask()
        if coming is None:
            return False
        self._held, self._used = coming.result(), 0
        self._coming = self._ask() if is_sequential else None
        return True

    def _ask(self) -> "Future[memoryview] | None":
        start, end = self._at, min(self._size, self._at + self._step)
        if start >= end:
            return None
        self._at, self._step = end, min(2 * self._step, MOST)
        return self._pool.submit(self._ranged, start, end)
