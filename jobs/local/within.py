"""Requests to a store that may hang, for callers that must still react to a person."""

import threading
from collections.abc import Callable
from typing import TypeVar

from ernie_core.errors import Unreachable

T = TypeVar("T")

ANSWER = 3.0
"""Seconds that a store has to answer while a person may press Ctrl-C."""


def within(act: Callable[[], T], seconds: float = ANSWER) -> T:
    """The result of a request to a store; Unreachable if it takes longer, and its later result is dropped."""
    found: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(act())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        raise Unreachable(f"no answer within {seconds:.0f} s")
    return found[0]
