"""A status line on a terminal, which is erased at the end."""

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator

_WIPE = "\r\033[K"
_EVERY = 0.1
"""Seconds between two updates: writing to a terminal costs more than reading a small file."""


class Line:
    """A line on stderr that each call replaces; silent if stderr is not a terminal."""

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
        """Erase the line."""
        if self._shown:
            self._shown = False
            sys.stderr.write(_WIPE)
            sys.stderr.flush()


@contextlib.contextmanager
def wiped() -> Iterator[Line]:
    """A line that is erased at the end, also after an error."""
    line = Line()
    try:
        yield line
    finally:
        line.wipe()


def cut(text: str, columns: int) -> str:
    """A text shortened to one line of a terminal, where ideographs take two columns; a longer one could not be erased.
    Characters that move the cursor are replaced."""
    from rich.cells import cell_len, set_cell_size

    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if cell_len(text) <= columns else f"{set_cell_size(text, columns - 1).rstrip()}…"
