"""Waiting for others: it is said for what and for how long at most, and it ends."""

import time
from collections.abc import Callable

from ernie_core import runtime
from ernie_core.errors import Unreachable
from ernie_core.progress import say

SAID_AFTER, SAID_AGAIN = 30.0, 300.0
"""Seconds of waiting after which it is said, and after which it is said again."""
ALONE = 300.0
"""Seconds that a process waits for others once the one that started it has gone: nobody would start it again."""

_turns = 0


def turns() -> int:
    """Grows as long as any thread of this process waits within bounds; whoever waits here is not stuck."""
    return _turns


def turn() -> None:
    """Another turn of a wait with a bound."""
    global _turns
    _turns += 1


class Wait:
    """One wait: `more` is called between two looks; `what` says who waits for what, `rank 1 waits for rank 0`.

    `alone`: seconds that it may go on once the process that started this one has gone; None: as long as before.
    """

    def __init__(
        self, what: str, most: float, *, alone: float | None = ALONE, tell: Callable[[str], None] = say
    ) -> None:
        self.what, self.most, self.alone, self.tell = what, most, alone, tell
        self.began = time.monotonic()
        self.due = self.began + SAID_AFTER

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    def more(self) -> None:
        """Go on waiting; Unreachable once it has taken `most` seconds."""
        turn()
        if self.alone is not None and runtime.is_orphan():
            self.most, self.alone = min(self.most, self.seconds + self.alone), None
            self.tell(f"{self.what}; the process that started this one has gone: at most {self.most:.0f} s in all")
        if self.seconds > self.most:
            raise Unreachable(f"{self.what}: in vain for {self.most:.0f} s")
        if time.monotonic() > self.due:
            self.due = time.monotonic() + SAID_AGAIN
            self.tell(f"{self.what}, since {self.seconds:.0f} s, at most {self.most:.0f} s")
