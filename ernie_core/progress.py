"""How long-running work reports its progress, and how it learns that it should stop."""

import contextlib
import sys
from collections.abc import Callable
from typing import Protocol

Say = Callable[[str], None]
"""Takes a line for people."""


class Progress(Protocol):
    """Reports progress: `done` of `total` in `unit`, and any further facts to show (loss, rate, ...). Called often."""

    def __call__(self, done: float, total: float | None = None, unit: str = "", **facts: float | str) -> None: ...


class Stop(Protocol):
    """True once the process was asked to end: save what is worth keeping, then raise `errors.Stopped`."""

    def __call__(self) -> bool: ...


def silent(done: float, total: float | None = None, unit: str = "", **facts: float | str) -> None:
    """Report nothing."""


def never() -> bool:
    """Never stop early."""
    return False


def say(line: str) -> None:
    """Print a line to the log of the step; a line that cannot be printed is dropped."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)
