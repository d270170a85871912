"""Retries while a store does not answer or a disk is full: neither should cost what was computed."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from ernie_core import waiting
from ernie_core.errors import Full, Unreachable
from ernie_core.progress import say

T = TypeVar("T")

OUTAGE = 3600.0
"""Seconds for which a store may not answer; launchers on a cluster tolerate as much."""
ROOMLESS = 1800.0
"""Seconds for which a disk may be full while something is saved: a person, or another job that ends, makes room."""
LEFT = 60.0
"""Seconds for either once the main thread has ended: nobody waits for the result any more."""
PAUSES = (0.5, 10.0)
"""Seconds between two tries: at first, and in the end."""


def patiently(
    act: Callable[[], T],
    what: str,
    *,
    outage: float = OUTAGE,
    roomless: float = ROOMLESS,
    tell: Callable[[str], None] = say,
) -> T:
    """Call `act` until it succeeds; `what` is said once. Raises the last error if the trouble lasts too long.

    A background thread gives up sooner when the main thread has ended.
    """
    began, told, pause = time.monotonic(), False, PAUSES[0]
    while True:
        try:
            done = act()
            if told:
                tell(f"{what}: done, after {time.monotonic() - began:.0f} s")
            return done
        except (Full, Unreachable) as error:
            limit = roomless if isinstance(error, Full) else outage
            limit = limit if threading.main_thread().is_alive() else min(limit, LEFT)
            if time.monotonic() - began >= limit:
                raise
            if not told:
                tell(f"{what}: {error} (retrying for at most {limit:.0f} s)")
            told = True
        waiting.turn()
        time.sleep(pause)
        pause = min(PAUSES[1], pause * 2)
