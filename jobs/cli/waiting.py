"""The line by which a terminal says what is waited for; nothing of it stays."""

import contextlib
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterator

_WIPE = "\r\033[K"
_EVERY = 0.1
"""Seconds between two of them: writing to a terminal would cost more than reading a small file."""


class Line:
    """One line on stderr that each call replaces; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._shown, self._at = False, 0.0

    def hashing(self, done: float, total: float | None = None, unit: str = "", **facts: float | str) -> None:
        """Progress of reading inputs."""
        if "hashing" in facts and sys.stderr and sys.stderr.isatty() and time.monotonic() - self._at >= _EVERY:
            self._at, self._shown = time.monotonic(), True
            columns = shutil.get_terminal_size().columns
            sys.stderr.write(_WIPE + cut(f"reading {facts['hashing']}", columns - 1))
            sys.stderr.flush()

    def wipe(self) -> None:
        """Take it away."""
        if self._shown:
            self._shown = False
            sys.stderr.write(_WIPE)
            sys.stderr.flush()


@contextlib.contextmanager
def wiped() -> Iterator[Line]:
    """A line that is gone at the end, whether that is good or bad."""
    line = Line()
    try:
        yield line
    finally:
        line.wipe()


def cut(text: str, columns: int) -> str:
    """What of a text fits into one line of a terminal, where ideographs take two columns; a longer one could not be
    wiped. What would move the cursor is not shown."""
    found, width = list[str](), 0
    for char in text:
        char = char if char.isprintable() else "?"
        width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if width > columns:
            return "".join(found[:-1]) + "…"
        found.append(char)
    return "".join(found)
