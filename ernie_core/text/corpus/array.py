"""The elements of one long JSON array, read as a stream: the array is never in memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ernie_core.errors import BadInput

BLOCK = 1 << 20
_SPACE = b" \t\r\n"
_FLAT = re.compile(rb'\{(?:[^"{}\[\]\\]*"[^"\\]*(?:\\.[^"\\]*){0,4096}"){0,256}[^"{}\[\]\\]*\}', re.DOTALL)
"""An object without others in it, as most are; the bounds keep the memory of the search small."""
_MARK = re.compile(rb'["\[\]{},]')


@dataclass(frozen=True)
class Element:
    """An element as raw bytes, with its offset; `fault` says why no element can follow."""

    raw: bytes
    start: int
    fault: str = ""


def elements(name: str, file: BinaryIO, longest: int) -> Iterator[Element]:
    """The elements of the array in a file, valid JSON or not.

    Where the array ends without a bracket, or an element is too long, the last one has a fault and only its beginning.
    BadInput if the file is not an array.
    """
    text = _Text(file)
    if text.peek() == b"\xef":
        text.take(len(b"\xef\xbb\xbf"))
    if (first := text.peek()) != b"[":
        remedy = "name JSON lines *.jsonl" if first == b"{" else "a *.json is one array of objects"
        raise BadInput(f"{name}: begins with {first!r}, not with a JSON array: {remedy}")
    text.take(1)
    if text.peek() == b"]":
        text.take(1)
    else:
        yield from _elements(text, longest)
    if text.peek():
        raise BadInput(f"{name}: something follows the array at byte {text.at:,}: a *.json is one array of objects")


def _elements(text: "_Text", longest: int) -> Iterator[Element]:
    ended = b","
    while ended == b",":
        text.peek()
        start = text.at
        size = text.measure(longest)
        if size is None:
            fault = f"longer than {longest:,} bytes" if text.held > longest else "the array is cut off"
            yield Element(text.rest(), start, fault)
            return
        yield Element(text.take(size), start)
        ended = text.take(1)


class _Text:
    """A window on a file that moves forward."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._window = b""
        self._from = self._before = 0

    @property
    def at(self) -> int:
        """Offset of the next byte in the file."""
        return self._before + self._from

    @property
    def held(self) -> int:
        """Number of bytes that were read ahead."""
        return len(self._window) - self._from

    def peek(self) -> bytes:
        """The next byte after white space, which is skipped; empty at the end of the file."""
        while True:
            while self.held and self._window[self._from] in _SPACE:
                self._from += 1
            if self.held or not self._more():
                return self._window[self._from : self._from + 1]

    def take(self, size: int) -> bytes:
        """The next bytes; they are in memory already, or few."""
        while self.held < size and self._more():
            pass
        taken = self._window[self._from : self._from + size]
        self._from += len(taken)
        return taken

    def measure(self, longest: int) -> int | None:
        """Length of the element up to its comma or bracket; None if it is longer than `longest` bytes."""
        flat = _FLAT.match(self._window, self._from)
        depth, size = 0, flat.end() - self._from if flat else 0
        quoted = False
        while True:
            depth, size, quoted, ended = _scan(self._window, self._from, depth, size, quoted)
            if ended and size <= longest:
                return size
            if self.held > longest or not self._more():
                return None

    def rest(self) -> bytes:
        """Skip the rest of the file; returns its beginning."""
        begun = self.take(BLOCK)
        while read := self._file.read(BLOCK):
            self._before += len(read)
        self._before += len(self._window)
        self._window, self._from = b"", 0
        return begun

    def _more(self) -> bool:
        # Double the window, so that a long element is copied only a few times.
        read = self._file.read(max(BLOCK, self.held))
        self._before += self._from
        self._window, self._from = self._window[self._from :] + read, 0
        return bool(read)


def _scan(window: bytes, start: int, depth: int, size: int, quoted: bool) -> tuple[int, int, bool, bool]:
    """Continue after the first `size` bytes of an element; the last value says whether its end was found."""
    at = start + size
    while True:
        if quoted:
            at = window.find(b'"', at)
            if at < 0:
                return depth, len(window) - start, True, False
            quoted = _escaped(window, at)
            at += 1
            continue
        found = _MARK.search(window, at)
        if not found:
            return depth, len(window) - start, False, False
        mark, at = found[0], found.end()
        if mark == b'"':
            quoted = True
        elif mark in b"[{":
            depth += 1
        elif depth == 0 and mark in b"],":
            return depth, found.start() - start, False, True
        elif mark != b",":
            depth = max(0, depth - 1)


def _escaped(window: bytes, at: int) -> bool:
    """Whether an odd number of backslashes precedes the byte."""
    before = at
    while before and window[before - 1] == 0x5C:
        before -= 1
    return (at - before) % 2 == 1
