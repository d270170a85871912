"""Waits with a limit; the log says for what, and for how long at most."""

import time
from collections.abc import Callable

from ernie_core import runtime
from ernie_core.errors import Unreachable
from ernie_core.progress import say

SAID_AFTER, SAID_AGAIN = 30.0, 300.0
"""Seconds of waiting until the first log line, and between later ones."""
ALONE = 300.0
"""Seconds that a process waits for others once its parent has ended: nobody would start it again."""

_turns = 0


def turns() -> int:
    """A counter that grows while any thread of this process waits with a limit: such a process is not stuck."""
    return _turns


def turn() -> None:
    """Count another turn of a wait with a limit."""
    global _turns
    _turns += 1


class Wait:
    """One wait: call `more` between two checks; `what` says who waits for what, `rank 1 waits for rank 0`.

    `alone`: seconds that it may last once the parent process has ended; None: as long as before.
    """

    def __init__(
        self, what: str, most: float, *, alone: float | None = ALONE, tell: Callable[[str], None] = say
    ) -> None:
        self.what, self.most, self.alone, self.tell = what, most, alone, tell
        self.began = time.monotonic()
        self.due = self.began + SAID_AFTER

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    def more(self) -> None:
        """Continue to wait; Unreachable once it has taken `most` seconds."""
        turn()
        if self.alone is not None and runtime.is_orphan():
            self.most, self.alone = min(self.most, self.seconds + self.alone), None
            self.tell(f"{self.what}; its parent process has ended: waiting at most {self.most:.0f} s in total")
        if self.seconds > self.most:
            raise Unreachable(f"{self.what}: gave up after {self.most:.0f} s")
        if time.monotonic() > self.due:
            self.due = time.monotonic() + SAID_AGAIN
            self.tell(f"{self.what}: {self.seconds:.0f} s so far, at most {self.most:.0f} s")
