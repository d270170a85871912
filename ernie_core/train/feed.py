"""Batches that a thread makes while Paddle computes: the same ones in the same order, only sooner."""

import queue
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

_LOOK = 0.1
"""Seconds after which a thread with no room for its batch looks whether it is still wanted."""


class Feed(Generic[T]):
    """`make(number)` for each of `numbers`, at most `ahead` of them before they are asked for.

    Used as a context manager: its end stops the thread. What `make` raises is raised by `next()`, in its turn.
    """

    def __init__(self, make: Callable[[int], T], numbers: Iterable[int], ahead: int = 4) -> None:
        self.waited = 0.0
        """Seconds that `next()` has waited in all."""
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
        """The next one."""
        began = time.monotonic()
        found = self._made.get()
        self.waited += time.monotonic() - began
        if isinstance(found, _Failed):
            raise found.error
        return found

    def _work(self) -> None:
        try:
            for number in self._numbers:
                if not self._put(self._make(number)):
                    return
            self._put(_Failed(StopIteration("the feed has no more numbers")))
        except BaseException as error:
            self._put(_Failed(error))

    def _put(self, found: "T | _Failed") -> bool:
        """Whether it was still wanted."""
        while not self._over.is_set():
            try:
                self._made.put(found, timeout=_LOOK)
            except queue.Full:
                continue
            return True
        return False


class _Failed:
    """What happened instead of a batch."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
