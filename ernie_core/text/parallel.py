"""The same work on several pieces, in this process, in several or in threads, results in the order of the pieces."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import TypeVar

from ernie_core.errors import Error
from ernie_core.progress import Progress, Stop, silent

P = TypeVar("P")
T = TypeVar("T")
Task = Callable[[Path, Path, Path, Progress, Stop], T]
"""Work on one piece, given three paths: those of what it shares with all, of the piece, and of what it makes."""


def run(
    task: Task[T], pieces: Sequence[tuple[Path, Path, Path]], workers: int, *, progress: Progress, stop: Stop
) -> Iterator[T]:
    """The results, piece by piece. A process that is killed ends the work with an error that says so."""
    if workers == 1 or len(pieces) == 1:
        yield from _here(task, pieces, progress, stop)
    else:
        yield from _spawned(task, pieces, min(workers, len(pieces)), progress, stop)


def _here(task: Task[T], pieces: Sequence[tuple[Path, Path, Path]], progress: Progress, stop: Stop) -> Iterator[T]:
    total = sum(piece.stat().st_size for _, piece, _ in pieces)
    before = 0
    for shared, piece, made in pieces:
        yield task(shared, piece, made, _onwards(progress, before, total), stop)
        before += piece.stat().st_size


def _onwards(progress: Progress, before: int, all_bytes: int) -> Progress:
    def report(done: float, total: float | None = None, unit: str = "", **facts: float | str) -> None:
        progress(before + done, all_bytes, unit, **facts)

    return report


def _spawned(
    task: Task[T], pieces: Sequence[tuple[Path, Path, Path]], workers: int, progress: Progress, stop: Stop
) -> Iterator[T]:
    # Spawned, not forked: a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    stopped = context.Event()
    with ProcessPoolExecutor(workers, context, _begin, (stopped,)) as pool:
        futures: list[Future[T]] = [pool.submit(_run, task, *piece) for piece in pieces]  # type: ignore[arg-type]
        waiting = set(futures)
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                if stop():
                    stopped.set()
                for future in done:
                    future.result()
                progress(len(pieces) - len(waiting), len(pieces), "parts")
        except BrokenProcessPool:
            left = sum(1 for f in futures if not f.done() or f.exception())
            raise Error(
                f"a worker process was killed with {left} of {len(pieces)} parts to go, perhaps for want of memory: "
                f"give the step more memory or fewer processors"
            ) from None
        except BaseException:
            stopped.set()
            for future in waiting:
                future.cancel()
            raise
    yield from (future.result() for future in futures)


_stopped: Event | None = None


def _begin(stopped: Event) -> None:
    global _stopped
    _stopped = stopped


def _run(task: Task[T], shared: Path, piece: Path, made: Path) -> T:
    assert _stopped is not None
    return task(shared, piece, made, silent, _stopped.is_set)


class Threads:
    """Work on a stream of pieces in threads, for tasks that let other threads run; nothing is started for one."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None

    def __enter__(self) -> "Threads":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(self, task: Callable[[P], T], pieces: Iterable[P]) -> Iterator[T]:
        """The results in the order of the pieces, of which only a few more than threads are in memory at a time."""
        if self._pool is None:
            yield from map(task, pieces)
            return
        waiting: deque[Future[T]] = deque()
        for piece in pieces:
            waiting.append(self._pool.submit(task, piece))
            if len(waiting) > 2 * self._workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
