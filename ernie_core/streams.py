"""Output that never fails the work it reports: what cannot be written now is kept for later."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator

MOST = 1 << 20
"""Bytes that are kept; beyond that the oldest lines are dropped, and counted."""


class Forgiving(io.RawIOBase):
    """Writes to a descriptor; a full disk, a lost mount or a closed pipe is no error, and is reported once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._kept = bytearray()
        self._dropped = 0
        self._trouble = ""

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        """Take everything, whether or not it can be written now."""
        new = bytes(data)  # type: ignore[call-overload]
        self._kept += new
        try:
            if self._trouble:
                self._all(self._notice())
                self._trouble, self._dropped = "", 0
            while self._kept:
                del self._kept[: os.write(self._descriptor, self._kept)]
        except OSError as error:
            self._trouble = (error.strerror or str(error)).lower()
            self._shorten()
        return len(new)

    def _all(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]

    def _notice(self) -> bytes:
        lost = f"; {self._dropped} older lines were lost" if self._dropped else ""
        return f"\n[the following lines could not be written at the time: {self._trouble}{lost}]\n".encode()

    def _shorten(self) -> None:
        if len(self._kept) > MOST:
            end = self._kept.find(b"\n", len(self._kept) - MOST) + 1 or len(self._kept)
            self._dropped += self._kept.count(b"\n", 0, end)
            del self._kept[:end]


@contextlib.contextmanager
def forgiving() -> Iterator[None]:
    """A context in which printing cannot fail."""
    before = sys.stdout, sys.stderr
    for stream in before:
        stream.flush()
    ours = sys.stdout, sys.stderr = _text(before[0].fileno()), _text(before[1].fileno())
    try:
        yield
    finally:
        for stream in ours:
            stream.flush()
        # a display that began before and ended within has put back what was before itself
        sys.stdout = before[0] if sys.stdout is ours[0] else sys.stdout
        sys.stderr = before[1] if sys.stderr is ours[1] else sys.stderr


def _text(descriptor: int) -> io.TextIOWrapper:
    raw = io.BufferedWriter(Forgiving(descriptor))
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)
