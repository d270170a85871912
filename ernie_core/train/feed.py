"""Batches that a thread makes while Paddle computes: the same ones in the same order, ahead of time."""

import queue
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")
N = TypeVar("N")

_LOOK = 0.1
"""Seconds between two checks of a full queue for the end of the feed."""


class Feed(Generic[T]):
    """`make(number)` for each of `numbers`, at most `ahead` results in advance.

    A context manager, whose end stops the thread. What `make` raises is raised by the `next()` that would return it.
    """

    def __init__(self, make: Callable[[N], T], numbers: Iterable[N], ahead: int = 4) -> None:
        self.waited = 0.0
        """Total seconds that `next()` has waited."""
        self._make, self._numbers = make, numbers
        self._made: queue.Queue[T | _Failed] = queue.Queue(ahead)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="feed", daemon=True)

    def __enter__(self) -> "Feed[T]":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def next(self) -> T:
        """The next result; StopIteration after the last."""
        began = time.monotonic()
        made = self._made.get()
        self.waited += time.monotonic() - began
        if isinstance(made, _Failed):
            raise made.error
        return made

    def _work(self) -> None:
        try:
            for number in self._numbers:
                if not self._put(self._make(number)):
                    return
            self._put(_Failed(StopIteration("the feed has no more numbers")))
        except BaseException as error:
            self._put(_Failed(error))

    def _put(self, made: "T | _Failed") -> bool:
        """Put it into the queue; False if the feed has ended."""
        while not self._over.is_set():
            try:
                self._made.put(made, timeout=_LOOK)
            except queue.Full:
                continue
            return True
        return False


class _Failed:
    """An error instead of a batch."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
