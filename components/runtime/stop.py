"""Whether a step was asked to stop: set by a signal, read by whatever works."""

import time

_LOOK = 0.05
"""Seconds between two checks of a wait."""


class Stop:
    """Like threading.Event, but `set` takes no lock.

    A signal handler runs in the main thread between two instructions of whatever it does, the `set` of an earlier
    signal included. If that held a lock, the second would wait for the first, which waits for the second: a step that
    gets two SIGTERMs at once, from its launcher and from the kernel when its parent ended, would never end.
    """

    def __init__(self) -> None:
        self._asked = False

    def set(self) -> None:
        """Ask; safe in a signal handler and in any thread."""
        self._asked = True

    def is_set(self) -> bool:
        """Whether somebody has asked."""
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Whether somebody has asked, within so many seconds."""
        end = time.monotonic() + seconds
        while not self._asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(_LOOK, left))
        return self._asked
