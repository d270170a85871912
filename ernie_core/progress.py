"""How long work says how far it is, and how it learns that it should stop."""

from typing import Protocol


class Progress(Protocol):
    """Called often and cheap: `done` of `total` in `unit`, and any further facts to show (loss, rate, ...)."""

    def __call__(self, done: float, total: float | None = None, unit: str = "", **facts: float | str) -> None: ...


class Stop(Protocol):
    """True once the process was asked to end: save what is worth keeping, then raise `errors.Stopped`."""

    def __call__(self) -> bool: ...


def silent(done: float, total: float | None = None, unit: str = "", **facts: float | str) -> None:
    """Report nothing."""


def never() -> bool:
    """Never stop early."""
    return False
